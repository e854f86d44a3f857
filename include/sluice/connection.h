// SPDX-License-Identifier: BSD-3-Clause
// One TCP connection as an application sees it. Everything here is for the
// thread of the shard that owns the connection; handles are values and go stale
// safely: a call through a stale handle does nothing and says kBadHandle (or 0).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "sluice/config.h"
#include "sluice/error.h"
#include "sluice/time.h"

namespace sluice {

struct Buf;                              // a packet buffer; internal
namespace stack { class Stack; }         // a shard's connections; internal

// RFC 9293 3.3.2
enum class State : std::uint8_t {
  kClosed, kListen, kSynSent, kSynRcvd, kEstablished, kFinWait1, kFinWait2, kCloseWait, kClosing, kLastAck, kTimeWait,
};
inline constexpr std::size_t kStates = 11;
// "FIN_WAIT_1" for State::kFinWait1. Static storage.
[[nodiscard]] const char* state_name(State state) noexcept;

// Received bytes in the packet buffer they arrived in. Move-only; destroying it
// gives the buffer back. Owner's shard thread only. The bytes are read-only: the
// same memory may still be queued elsewhere.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : buf_(std::exchange(other.buf_, nullptr)), stack_(other.stack_) {}
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return bytes().size(); }
  [[nodiscard]] bool empty() const noexcept { return buf_ == nullptr; }

 private:
  friend class Connection;
  Buffer(Buf* buf, stack::Stack* stack) noexcept : buf_(buf), stack_(stack) {}
  Buf* buf_ = nullptr;
  stack::Stack* stack_ = nullptr;
};

// What a socket option is called on the command line and over the remote service.
enum class Option : std::uint8_t {
  kNodelay,        // 0|1   Nagle off
  kCork,           // 0|1   only full segments until cleared
  kKeepalive,      // 0|1
  kKeepidleS,      // seconds
  kKeepintvlS,     // seconds
  kKeepcnt,        // probes
  kMss,            // bytes: bounds what is announced and what is sent
  kRcvbuf,         // bytes
  kSndbuf,         // bytes
  kUserTimeoutMs,  // milliseconds; 0: RFC 9293's R2
  kLingerS,        // seconds; -1: off; 0: close sends RST
  kQuickack,       // 0: acknowledgments may be delayed from the first segment on
  kCongestion,     // CongestionControl
  kTtl,            // 1 to 255: of IPv4, hop limit of IPv6; from the next segment on
  kDscp,           // 0 to kMaxDscp; from the next segment on
};

// The values that an option takes; {0, -1}, which is none, if there is no such option.
[[nodiscard]] constexpr limits::Range option_range(Option option) noexcept {
  switch (option) {
    case Option::kNodelay:
    case Option::kCork:
    case Option::kKeepalive:
    case Option::kQuickack: return {0, 1};
    case Option::kKeepidleS:
    case Option::kKeepintvlS: return limits::kKeepaliveS;
    case Option::kKeepcnt: return limits::kKeepaliveProbes;
    case Option::kMss: return limits::kMss;
    case Option::kRcvbuf:
    case Option::kSndbuf: return limits::kSocketBufferBytes;
    case Option::kUserTimeoutMs: return limits::kUserTimeoutMs;
    case Option::kLingerS: return limits::kLingerS;
    case Option::kCongestion: return limits::kCongestion;
    case Option::kTtl: return limits::kTtl;
    case Option::kDscp: return limits::kDscp;
  }
  return {0, -1};
}

// As the remote service and messages call it; null if there is no such option.
[[nodiscard]] constexpr const char* option_name(Option option) noexcept {
  switch (option) {
    case Option::kNodelay: return "nodelay";
    case Option::kCork: return "cork";
    case Option::kKeepalive: return "keepalive";
    case Option::kKeepidleS: return "keepidle_s";
    case Option::kKeepintvlS: return "keepintvl_s";
    case Option::kKeepcnt: return "keepcnt";
    case Option::kMss: return "mss";
    case Option::kRcvbuf: return "rcvbuf";
    case Option::kSndbuf: return "sndbuf";
    case Option::kUserTimeoutMs: return "user_timeout_ms";
    case Option::kLingerS: return "linger_s";
    case Option::kQuickack: return "quickack";
    case Option::kCongestion: return "congestion";
    case Option::kTtl: return "ttl";
    case Option::kDscp: return "dscp";
  }
  return nullptr;
}

// A snapshot of the connection's variables, in RFC 9293's names.
struct ConnectionInfo {
  Endpoint local, peer;
  State state = State::kClosed;
  std::uint32_t snd_una = 0, snd_nxt = 0, snd_wnd = 0;  // sequence numbers; window in bytes
  std::uint32_t rcv_nxt = 0, rcv_wnd = 0;
  std::uint32_t cwnd = 0, ssthresh = 0;                 // bytes; 4294967295: none yet
  std::uint32_t srtt_us = 0, rto_us = 0;
  std::uint32_t retransmits = 0;                        // segments sent again
  std::uint32_t rx_queued = 0, tx_queued = 0;           // bytes
  std::uint32_t age_ms = 0;
};

class Connection {
 public:
  Connection() = default;
  Connection(stack::Stack* stack, std::uint32_t id, std::uint16_t generation) noexcept
      : stack_(stack), id_(id), generation_(generation) {}

  // The connection still exists and is this one.
  [[nodiscard]] bool valid() const noexcept;

  // Copies bytes into the send queue; returns how many were taken (less than
  // offered: the send buffer is full, and on_writable follows when there is room).
  // 0 while connecting, after our FIN, or when gone.
  std::size_t send(std::span<const std::byte> bytes);
  // Queues the received bytes for sending without copying them. On success
  // `buffer` becomes empty; when the send buffer lacks room for all of it nothing is
  // taken, `buffer` keeps its bytes and on_writable follows.
  bool send(Buffer& buffer);
  // Bytes that send() would take now.
  [[nodiscard]] std::size_t send_room() const noexcept;

  // Takes the next received bytes, at most `max` of them, in order; empty if none. Less than a whole buffer of them is
  // copied into another: empty as well if there is none left.
  [[nodiscard]] Buffer receive(std::size_t max = SIZE_MAX);
  // Copies received bytes out (and with peek leaves them queued). Returns the count.
  std::size_t receive(std::span<std::byte> out, bool peek = false);
  [[nodiscard]] std::size_t readable() const noexcept;
  // The peer's FIN has arrived and every byte before it was received.
  [[nodiscard]] bool eof() const noexcept;

  // Half-close: our FIN follows what is queued. Receiving goes on. While connecting it ends the connection, as close() does.
  void shutdown_write();
  // What arrives from now on is acknowledged and dropped.
  void shutdown_read();
  // As close(2): unread bytes or linger 0 give a RST, else FIN and the connection
  // goes on alone. The handle is stale afterwards, no callback follows.
  void close();
  // RST; the handle is stale afterwards, no callback follows.
  void abort();

  Result<void> set(Option option, std::int64_t value);
  [[nodiscard]] Result<std::int64_t> get(Option option) const;
  [[nodiscard]] ConnectionInfo info() const;
  [[nodiscard]] State state() const noexcept;

  // One pointer for the application, null at first. sluice never follows it.
  [[nodiscard]] void* context() const noexcept;
  void set_context(void* context) noexcept;

  friend bool operator==(const Connection&, const Connection&) noexcept = default;
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }

 private:
  stack::Stack* stack_ = nullptr;
  std::uint32_t id_ = 0;
  std::uint16_t generation_ = 0;
};

}  // namespace sluice
