// SPDX-License-Identifier: BSD-3-Clause
// Errors as values. The control path returns Result<T>; the packet path returns
// Verdicts and counts. Exceptions end at main.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace sluice {

// What can go wrong, named as the socket calls name it.
enum class Errc : std::uint8_t {
  kOk,
  kAgain,              // EAGAIN: nothing now, later perhaps
  kBadHandle,          // EBADF: the connection or listener is gone
  kInvalid,            // EINVAL: an argument or a configuration value
  kNoProtocolOption,   // ENOPROTOOPT
  kNoMemory,           // ENOBUFS, ENOMEM: a configured limit is reached
  kAddressInUse,       // EADDRINUSE
  kAddressNotAvailable,// EADDRNOTAVAIL
  kNotConnected,       // ENOTCONN
  kBrokenPipe,         // EPIPE: sending after our FIN
  kConnectionRefused,  // ECONNREFUSED
  kConnectionReset,    // ECONNRESET
  kConnectionAborted,  // ECONNABORTED: by this end
  kTimedOut,           // ETIMEDOUT
  kHostUnreachable,    // EHOSTUNREACH
  kNetUnreachable,     // ENETUNREACH
  kNoDevice,           // ENODEV
  kBusy,               // EBUSY
  kPermission,         // EPERM
  kIo,                 // EIO
};

// "ECONNRESET" for Errc::kConnectionReset, "0" for kOk. Static storage.
[[nodiscard]] const char* errno_name(Errc code) noexcept;

// An error with the context a person needs: what failed, on what, and what
// would help. `message` is one line without a trailing newline.
struct Error {
  Errc code = Errc::kInvalid;
  std::string message;
};

// A value or an Error (GCC 12 has no std::expected).
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return v_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // Only when ok(); std::get's exception otherwise (control path only).
  [[nodiscard]] T& value() & { return std::get<0>(v_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(v_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(v_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Only when !ok().
  [[nodiscard]] const Error& error() const { return std::get<1>(v_); }

 private:
  std::variant<T, Error> v_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Error& error() const { return error_.value(); }

 private:
  std::optional<Error> error_;
};

}  // namespace sluice
