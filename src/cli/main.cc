// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"

int main(int argc, char** argv) { return sluice::cli::run_program(argc, argv); }
