// SPDX-License-Identifier: BSD-3-Clause
// CHECK for our own mistakes, always on and O(1); DCHECK for debug builds, the
// simulation and fuzzing. Neither may be reachable by what a peer or a person sends.
#pragma once

namespace sluice {

// Prints the failed expression with its place on stderr and aborts. Any thread.
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace sluice

#define CHECK(expression)                                                        \
  do {                                                                           \
    if (!(expression)) [[unlikely]] {                                            \
      ::sluice::check_failed(#expression, __FILE__, __LINE__);                   \
    }                                                                            \
  } while (false)

#ifdef SLUICE_DCHECK
#define DCHECK(expression) CHECK(expression)
#else
#define DCHECK(expression) static_cast<void>(sizeof((expression) ? 1 : 0))
#endif
