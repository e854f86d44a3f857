// SPDX-License-Identifier: BSD-3-Clause
// Tells AddressSanitizer that memory which stays mapped must not be touched, so that
// use after release shows in pooled memory too. Nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif

namespace sluice {

#ifdef ASAN_POISON_MEMORY_REGION
inline void poison(const void* memory, std::size_t bytes) noexcept { ASAN_POISON_MEMORY_REGION(memory, bytes); }
inline void unpoison(const void* memory, std::size_t bytes) noexcept { ASAN_UNPOISON_MEMORY_REGION(memory, bytes); }
#else
inline void poison(const void* /*memory*/, std::size_t /*bytes*/) noexcept {}
inline void unpoison(const void* /*memory*/, std::size_t /*bytes*/) noexcept {}
#endif

}  // namespace sluice
