// SPDX-License-Identifier: BSD-3-Clause
#include "fuzz/input.h"

#include <cstdio>
#include <cstdlib>

namespace sluice::fuzz {

void fail(const char* what, const char* detail) {
  std::fprintf(stderr, "fuzz: %s%s%s\n", what, *detail != '\0' ? ": " : "", detail);
  std::abort();
}

}  // namespace sluice::fuzz
