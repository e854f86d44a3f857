// SPDX-License-Identifier: BSD-3-Clause
// The head of an HTTP/1 request (RFC 9112) out of a run of bytes: one pass, no state,
// no allocation. A head that arrives in pieces is parsed again from its first byte.
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::app {

enum class Method : std::uint8_t { kGet, kHead, kNotAllowed, kUnknown };

// What Connection header an answer needs.
enum class Persistence : std::uint8_t {
  kKeepAlive,    // HTTP/1.1: none
  kKeepAlive10,  // HTTP/1.0 that asked for it
  kClose,
};
inline constexpr std::size_t kPersistences = 3;

struct Request {
  Method method = Method::kGet;
  Persistence persistence = Persistence::kKeepAlive;
  std::string_view target;       // as sent; within the parsed bytes
  std::uint64_t body_bytes = 0;  // Content-Length
  std::size_t head_bytes = 0;    // with the empty line, and empty lines before the request line
};

// A request line longer than kMaxTarget + a little is 414, a head longer than kMaxHead 431.
inline constexpr std::size_t kMaxTarget = 4096;
inline constexpr std::size_t kMaxHead = 8192;
inline constexpr std::uint64_t kMaxRequestBody = 1ULL << 40;

// 0: not all of the head is there. 200: `out` is the request. Else the status of the
// answer that ends the connection: 400, 411, 413, 414, 431, 501, 505.
[[nodiscard]] unsigned parse_request(std::string_view bytes, Request& out) noexcept;

}  // namespace sluice::app
