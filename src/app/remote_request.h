// SPDX-License-Identifier: BSD-3-Clause
// One line of the remote service's protocol as a value, and bytes as hexadecimal. Pure;
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/remote_options.h"
#include "sluice/config.h"
#include "sluice/error.h"
#include "sluice/time.h"

namespace sluice::app {

enum class Verb : std::uint8_t {
  kListen, kAccept, kConnect, kSend, kRecv, kPoll, kShutdown, kClose, kAbort, kSet, kGet, kReset,
};

// "C1", "L1": kind is the letter, 0 when the request names none.
struct RemoteHandle {
  char kind = 0;
  std::uint64_t number = 0;
};

struct RemoteRequest {
  Verb verb = Verb::kReset;
  RemoteHandle handle;
  Endpoint endpoint;                  // listen, connect
  Endpoint from;                      // connect; any address and port 0 unless given
  std::optional<std::uint32_t> backlog;
  std::vector<std::pair<const RemoteOption*, std::int64_t>> options;  // listen, connect; set: the one
  std::vector<std::byte> data;        // send
  std::uint64_t fill = 0;             // send: so many zero bytes in place of `data`
  std::size_t max = 0;                // recv
  bool peek = false;                  // recv
  bool in = false, out = false;       // poll; both when the line names none
  bool read = false, write = false;   // shutdown
  std::string name;                   // get
  Duration wait;
};

// A send of more hexadecimal bytes than this is not understood; a recv takes no more at once.
inline constexpr std::size_t kRemoteDataMax = 4ULL << 20;
// Without its newline: the longest send, with room for what stands before its bytes.
inline constexpr std::size_t kRemoteLineMax = 2 * kRemoteDataMax + 256;

// kOk, kInvalid, or kNoProtocolOption; with the latter verb and handle are filled in.
[[nodiscard]] Errc parse_remote_line(std::string_view line, RemoteRequest& out);

// Lower case, two digits a byte, appended.
void append_hex(std::string& out, std::span<const std::byte> bytes);
// Nothing when a character is no digit or one is left over.
[[nodiscard]] std::optional<std::vector<std::byte>> parse_hex(std::string_view text);

}  // namespace sluice::app
