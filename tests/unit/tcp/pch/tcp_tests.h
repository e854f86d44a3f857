// SPDX-License-Identifier: BSD-3-Clause
// What every test of this module includes, compiled once. No include guard: it is the main file of its own compilation.

#include "unit/tcp/one_connection.h"
