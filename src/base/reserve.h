// SPDX-License-Identifier: BSD-3-Clause
// Address space reserved at start: zeroed, aligned to 2 MiB, backed by huge pages
// where the kernel will, and never moved.
#pragma once

#include <cstddef>

namespace sluice {

enum class Prefault : bool { kNo, kYes };

class Reservation {
 public:
  // Throws std::bad_alloc when the address space (or, prefaulted, the memory) is not there.
  explicit Reservation(std::size_t bytes, Prefault prefault = Prefault::kNo);
  ~Reservation();
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  [[nodiscard]] void* data() noexcept { return data_; }
  [[nodiscard]] const void* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

 private:
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace sluice
