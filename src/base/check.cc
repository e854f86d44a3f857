// SPDX-License-Identifier: BSD-3-Clause
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace sluice {

void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "sluice: internal error: %s:%d: CHECK(%s) failed\n", file, line, expression);
  std::abort();
}

}  // namespace sluice
