// SPDX-License-Identifier: BSD-3-Clause
// An attack in the simulation: a host that moves bulk data to and from a well-meaning one, while an attacker puts
// frames of his own on its wire. What the well-meaning connections get done is compared with a run in peace.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "script/frames.h"
#include "sim/network.h"
#include "support/host.h"

namespace sluice::test {

using script::Frame;

// A TCP segment by hand.
struct Forged {
  Endpoint from, to;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = tcp::kAck;
  std::uint16_t wnd = 65535;
  std::string data = {};
  std::vector<std::uint8_t> options = {};  // a multiple of four bytes
};

// Three, unless SLUICE_SIM_BULK says otherwise: bulk data is most of the work of a run, and none of the attack.
[[nodiscard]] int bulk_connections();

struct SiegeConfig {
  HostConfig victim;
  bool v6 = false;
  int connections = bulk_connections();       // that send to the victim, and as many that receive
  Duration span = Duration::seconds(2);       // of the measurement, after as long without one
  Duration delay = Duration::milliseconds(5);
  Duration attack_every = Duration::microseconds(50);
  CongestionControl congestion = CongestionControl::kCubic;  // of the victim's connections
  Duration knock_every{};                     // new real connections meanwhile; 0: none
  bool introductions = true;                  // everybody knows everybody's station; false: they ask each other
};

// What a victim holds at one time at most, of each kind; or how much more of it than in peace an attack may make it hold.
struct Held {
  std::size_t buffers = 0;
  std::uint32_t connections = 0, half_open = 0;
  std::uint32_t sides = 0, maps = 0;  // blocks beside connections
  std::uint64_t out_of_order = 0;     // buffers that wait for a gap to be filled
  std::uint32_t fragments = 0;        // datagrams that are incomplete, each a buffer
};

class Siege {
 public:
  // The victim's services: sends for ever; reads; never reads; sends a little and closes.
  static constexpr std::uint16_t kSource = 80, kSink = 81, kHold = 82, kParting = 83;

  using Attack = std::function<void(Siege&)>;
  // What the victim says to an address that is not the well-meaning host's.
  using Answer = std::function<void(Siege&, const script::Heard&)>;

  explicit Siege(const SiegeConfig& config);
  ~Siege();
  void run(const Attack& attack = {}, Answer answer = {});

  // For attacks.
  void strike(const Frame& frame);
  void strike(const Forged& segment) { strike(frame_of(segment)); }
  [[nodiscard]] Frame frame_of(const Forged& segment) const;
  [[nodiscard]] Rng& rng() { return rng_; }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] IpAddress victim_address() const;
  [[nodiscard]] IpAddress client_address() const;
  // Somebody beyond the gateway.
  [[nodiscard]] IpAddress stranger(std::uint32_t number) const;
  // Somebody on the link, if he is anybody at all. 16 bits (IPv4) or 32 (IPv6) count.
  [[nodiscard]] IpAddress neighbour(std::uint32_t number) const;
  [[nodiscard]] const wire::MacAddress& gateway_mac() const { return gateway_mac_; }
  // Four-tuples of the well-meaning connections, as an attacker might know them.
  struct Flow {
    Endpoint client, victim;
  };
  [[nodiscard]] const std::vector<Flow>& flows() const { return flows_; }

  // Results.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }                // delivered during the span
  [[nodiscard]] std::uint64_t knocks() const { return knocks_; }
  [[nodiscard]] std::uint64_t admitted() const { return admitted_; }          // of the knocks, within two seconds
  [[nodiscard]] std::uint64_t lost() const { return lost_; }                  // bulk connections that ended
  [[nodiscard]] std::uint64_t answers() const { return answers_; }            // frames to strangers
  // ARP requests and neighbour solicitations of the victim, in all and about one address.
  [[nodiscard]] std::uint64_t questions() const { return questions_; }
  [[nodiscard]] std::uint64_t questions_about(const IpAddress& address) const;
  [[nodiscard]] const Held& most() const { return most_; }                    // of the victim
  [[nodiscard]] std::size_t most_buffers() const { return most_.buffers; }
  [[nodiscard]] std::uint32_t most_connections() const { return most_.connections; }
  [[nodiscard]] std::uint32_t most_half_open() const { return most_.half_open; }
  [[nodiscard]] Host& victim() { return *victim_; }
  [[nodiscard]] std::uint64_t count(tcp::Verdict verdict) {
    return victim_->stack().verdicts()[static_cast<std::size_t>(verdict)];
  }
  [[nodiscard]] std::uint64_t counter(const std::string& name) const;

 private:
  class Bulk;
  struct Knock;
  void deliver(int to, std::span<const std::uint8_t> frame);
  void flush(int from);
  void note_question(std::span<const std::uint8_t> frame);
  void to_all(int from, std::vector<std::uint8_t> frame);
  void open_all();
  void knock();
  void look();
  void introduce();

  SiegeConfig config_;
  Rng rng_{99};
  Network network_;
  wire::MacAddress gateway_mac_{0x02, 0, 0, 0, 0, 0xfe};
  std::unique_ptr<Bulk> services_[2];
  std::unique_ptr<Host> victim_, client_;
  std::vector<Flow> flows_;
  Answer answer_;
  std::map<std::uint16_t, Instant> waiting_;  // knocks, by port
  Instant now_{};
  bool measuring_ = false;
  std::uint64_t bytes_ = 0, knocks_ = 0, admitted_ = 0, lost_ = 0, answers_ = 0;
  std::uint64_t questions_ = 0;
  std::map<IpAddress, std::uint64_t> questions_about_;
  Held most_;
};

// The well-meaning connections are all there, and got at least 95 % done of what they do in peace; and the victim never
// held more than in peace and what `more` grants the attack.
void expect_unharmed(const SiegeConfig& config, Siege& siege, const Held& more = {});
// After the longest time that a fragment is kept nothing of any is left, and after the end of all connections nothing at all.
void expect_all_freed(Siege& siege);

}  // namespace sluice::test
