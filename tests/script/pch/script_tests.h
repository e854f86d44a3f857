// SPDX-License-Identifier: BSD-3-Clause
// What every script includes, compiled once. No include guard: it is the main file of its own compilation.

#include "script/dialogue.h"
