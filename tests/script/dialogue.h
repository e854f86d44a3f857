// SPDX-License-Identifier: BSD-3-Clause
// A conversation with a stack over a simulated wire. The script plays the network: it sends
// a peer's segments by hand, makes the application's calls, lets virtual time pass, and says
// what must come out. ARP and neighbour solicitations are answered by themselves. After
// every step the stack's invariants are checked; at the end nothing may have been said
// that the script did not expect, and nothing may be left in the stack.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "script/heard.h"
#include "script/segment.h"
#include "sluice/listener.h"
#include "support/host.h"
#include "tcp/verdict.h"

namespace sluice::script {

using namespace std::chrono_literals;
using tcp::Verdict;

enum class Ip { kV4, kV6 };

// Quick to make: there is one for every script.
inline test::HostConfig small_host() {
  test::HostConfig host;
  host.buffers = 2048;
  host.stack.ip = {61, 10};  // not the defaults: on_frame() looks at every segment of every script
  return host;
}

struct Scene {
  test::HostConfig host = small_host();
  SocketOptions options;        // of the listener, and of connect()
  std::uint32_t backlog = 1024;
  bool listen = true;
  std::uint32_t isn = 0x10000000;  // the peer's
  std::chrono::milliseconds start = 1000ms;
};

class Dialogue;

// The application's end of one connection: every call is one step of the script.
class App {
 public:
  explicit App(Dialogue& dialogue) : d_(dialogue) {}

  std::size_t send(std::string_view text);
  std::size_t send_bytes(std::uint32_t n);  // of the pattern, where the last call ended
  void shutdown_write();
  void shutdown_read();
  void close();
  void abort();
  Result<void> set(Option option, std::int64_t value);
  // Unless told otherwise the application reads whatever arrives at once.
  void stop_reading() { reads_ = false; }
  void start_reading();
  void read(std::size_t n);

  [[nodiscard]] const std::string& received() const { return received_; }
  // Everything read so far is the first `n` bytes of the pattern.
  [[nodiscard]] bool has_bytes(std::uint32_t n) const { return received_ == pattern_text(0, n); }
  [[nodiscard]] bool eof() const { return eof_; }
  [[nodiscard]] unsigned accepted() const { return accepted_; }
  [[nodiscard]] unsigned connected() const { return connected_; }
  [[nodiscard]] unsigned writable() const { return writable_; }
  // What on_closed said; nothing while it has not been called.
  [[nodiscard]] std::optional<Errc> closed() const { return closed_; }
  [[nodiscard]] ConnectionInfo info() const { return connection_.info(); }
  [[nodiscard]] Connection& connection() { return connection_; }

 private:
  friend class Dialogue;
  friend class Events;
  void take(std::size_t most);

  Dialogue& d_;
  Connection connection_;
  std::string received_;
  std::uint32_t sent_ = 0;
  bool reads_ = true, eof_ = false, lets_go_ = false;
  unsigned accepted_ = 0, connected_ = 0, writable_ = 0;
  std::optional<Errc> closed_;
};

// One remote end of one four-tuple.
class Peer {
 public:
  Peer(Dialogue& dialogue, Endpoint remote, Endpoint local, std::uint32_t isn)
      : d_(dialogue), remote_(remote), local_(local), isn_(isn), app_(dialogue) {}

  // The peer says. A seq() left out is the next number it has not sent; ack() with ACK the next it has not heard.
  template <typename... A>
  void send(Line line, const A&... attributes) {
    say(spoken(line, attributes...));
  }
  // The stack must say this next. Flags (PSH apart), length, SACK blocks and the presence of options are
  // always compared, the rest if it is named.
  template <typename... A>
  void expect(Line line, const A&... attributes) {
    match(spoken(line, attributes...));
  }
  // The frame that send() would send, to be spoilt.
  template <typename... A>
  Frame frame(Line line, const A&... attributes) {
    return build(spoken(line, attributes...));
  }
  // The handshake, the peer offering `offers` (by default an MSS of 1000).
  template <typename... A>
  void establish(const A&... offers) {
    send(SYN, mss(1000), offers...);
    expect(SYN | ACK, seq(0), ack(1));
    send(ACK, seq(1), ack(1), offers...);
  }
  void expect_silence(const char* file = __builtin_FILE(), int line = __builtin_LINE());
  void state_is(State state, const char* file = __builtin_FILE(), int line = __builtin_LINE()) const;
  [[nodiscard]] State state() const;
  // A new incarnation of the peer: the ISNs of both sides are open again.
  void forget(std::uint32_t isn);

  [[nodiscard]] App& app() { return app_; }
  [[nodiscard]] std::uint32_t isn() const { return isn_; }
  [[nodiscard]] std::uint32_t iss() const { return iss_.value_or(0); }
  [[nodiscard]] const Heard& last() const { return last_; }
  [[nodiscard]] std::size_t waiting() const { return heard_.size(); }
  [[nodiscard]] const Heard& next() const { return heard_.front(); }
  // Drops what was said; for scripts that look at it as a whole.
  std::vector<Heard> take();
  [[nodiscard]] std::uint32_t ts_now() const;  // the peer's clock
  [[nodiscard]] Endpoint remote() const { return remote_; }
  [[nodiscard]] Endpoint local() const { return local_; }

 private:
  friend class Dialogue;
  friend class Events;
  void say(const Spoken& s);
  void match(const Spoken& s);
  Frame build(const Spoken& s);
  void compare(const Spoken& s, const Heard& h, std::string& wrong) const;
  void note_syn(const Spoken& s);

  Dialogue& d_;
  Endpoint remote_, local_;
  std::uint32_t isn_;
  std::optional<std::uint32_t> iss_;
  std::uint32_t nxt_ = 0;         // relative: next to send
  std::uint32_t heard_nxt_ = 0;   // relative: next expected from the stack
  bool offered_ts_ = false, offered_sack_ = false, offered_wscale_ = false, syn_sent_ = false;
  bool answered_ts_ = false;
  std::uint32_t last_tsval_ = 0;  // heard
  Instant last_ts_at_{};
  std::deque<Heard> heard_;
  Heard last_;
  App app_;
};

class Dialogue {
 public:
  static constexpr std::uint16_t kServerPort = 80, kPeerPort = 40000, kLocalPort = 50000;

  explicit Dialogue(Ip ip, const Scene& scene = {});
  ~Dialogue();
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;

  // With the first peer, by default at port 40000.
  template <typename... A>
  void send(Line line, const A&... attributes) {
    peer().send(line, attributes...);
  }
  template <typename... A>
  void expect(Line line, const A&... attributes) {
    peer().expect(line, attributes...);
  }
  template <typename... A>
  Frame frame(Line line, const A&... attributes) {
    return peer().frame(line, attributes...);
  }
  template <typename... A>
  void establish(const A&... offers) {
    peer().establish(offers...);
  }
  // The application opens a connection from port 50000 to the first peer.
  void connect(const char* file = __builtin_FILE(), int line = __builtin_LINE());
  // Handshake of such a connection.
  void establish_actively();
  void state_is(State state, const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    peer().state_is(state, file, line);
  }
  // Nothing at all was said since the last expectation, to anybody.
  void expect_silence(const char* file = __builtin_FILE(), int line = __builtin_LINE());
  void advance(std::chrono::microseconds by);
  // What became of the last frame.
  void verdict_is(Verdict verdict, const char* file = __builtin_FILE(), int line = __builtin_LINE());
  // A frame as it is; `times` so often.
  void send_frame(const Frame& frame);
  // What every segment carries from now on, on whatever connection; at first what the scene says.
  void expect_ip(tcp::IpFields fields) { ip_fields_ = fields; }
  // An ICMP error about a segment that the stack sent: relative `about`, the stack's own numbers.
  void send_icmp(std::uint8_t type, std::uint8_t code, std::uint32_t about, Peer* whose = nullptr);
  // Fragmentation needed, or Packet Too Big, about such a segment, in a packet of `len` bytes.
  void send_too_big(std::uint32_t mtu, std::uint32_t about, Peer* whose = nullptr, std::uint16_t len = 1500);
  [[nodiscard]] std::vector<Frame> take_icmp() { return std::exchange(icmp_, {}); }

  [[nodiscard]] Peer& peer() const { return *peers_.front(); }
  // Another one. The port on our side is the server's.
  Peer& add_peer(std::uint16_t port, std::optional<IpAddress> address = {}, std::uint16_t local_port = kServerPort,
                 std::optional<IpAddress> local = {});
  [[nodiscard]] App& app() { return peer().app(); }
  [[nodiscard]] stack::Stack& stack() { return host_.stack(); }
  [[nodiscard]] test::Host& host() { return host_; }
  [[nodiscard]] ListenerId listener() const { return listener_; }
  [[nodiscard]] const SocketOptions& options() const { return scene_.options; }
  [[nodiscard]] Service& service();

  [[nodiscard]] Ip ip() const { return ip_; }
  [[nodiscard]] bool v4() const { return ip_ == Ip::kV4; }
  [[nodiscard]] std::size_t l4() const { return v4() ? 34 : 54; }       // bytes before the TCP header
  [[nodiscard]] std::uint32_t our_mss() const { return v4() ? 1460 : 1440; }
  [[nodiscard]] IpAddress our_address() const;
  [[nodiscard]] IpAddress peer_address(std::uint8_t last = 2) const;
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] const wire::MacAddress& peer_mac() const { return peer_mac_; }
  [[nodiscard]] std::uint64_t count(Verdict verdict) { return stack().verdicts()[static_cast<std::size_t>(verdict)]; }

  // One of the stack's named counters (docs/statistics.md).
  [[nodiscard]] std::uint64_t counter(std::string_view name);

  // A step is over: collects what was said, checks invariants. Scripts that use the stack directly call it.
  void step();
  void touch() { host_.stack().set_now(now_); mark_ = now_; }
  void complain(const char* file, int line, const std::string& what) const;

 private:
  friend class Peer;
  friend class App;
  friend class Events;
  void on_frame(const Frame& frame);
  void send_icmp_about(std::uint8_t type, std::uint8_t code, std::uint32_t rest, std::uint32_t about, const Peer& whose,
                       std::uint16_t len);
  void answer_arp(const Frame& frame);
  void answer_solicitation(const Frame& frame);
  void note(const std::string& text);
  [[nodiscard]] Peer* find(const Endpoint& remote, const Endpoint& local) const;
  [[nodiscard]] std::string at() const;

  Ip ip_;
  Scene scene_;
  tcp::IpFields ip_fields_;
  wire::MacAddress peer_mac_{0x02, 0, 0, 0, 0, 0x02};
  std::unique_ptr<class Events> events_;
  test::Host host_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<Frame> icmp_;
  ListenerId listener_;
  Instant now_, mark_;
  Verdict verdict_{};
  std::vector<std::string> transcript_;
  mutable bool transcript_shown_ = false;
};

class Family : public ::testing::TestWithParam<Ip> {};

}  // namespace sluice::script
