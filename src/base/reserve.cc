// SPDX-License-Identifier: BSD-3-Clause
#include "base/reserve.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace sluice {

namespace {
constexpr std::size_t kHuge = std::size_t{2} << 20U;
}

Reservation::Reservation(std::size_t bytes, Prefault prefault) : bytes_(bytes) {
  mapped_ = bytes + kHuge;
  mapping_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  const auto start = (reinterpret_cast<std::uintptr_t>(mapping_) + kHuge - 1) & ~(kHuge - 1);
  data_ = reinterpret_cast<void*>(start);
  if (bytes >= 4 * kHuge) ::madvise(data_, bytes, MADV_HUGEPAGE);
  if (prefault == Prefault::kYes && ::madvise(data_, bytes, MADV_POPULATE_WRITE) != 0) {
    ::munmap(mapping_, mapped_);
    throw std::bad_alloc();
  }
}

Reservation::~Reservation() { ::munmap(mapping_, mapped_); }

}  // namespace sluice
