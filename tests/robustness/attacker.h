// SPDX-License-Identifier: BSD-3-Clause
// Who sends the hostile frames: peers that know their connections' sequence numbers (so
// that much of what they send is nearly right), and a hand that spoils frames afterwards,
// checksums repaired or not. Decided by a seed alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "base/seq_num.h"
#include "sluice/config.h"
#include "wire/packet.h"

namespace sluice::test {

class Attacker {
 public:
  Attacker(std::uint64_t seed, wire::MacAddress victim, std::uint16_t vlan);

  // The next frame; valid until the next call.
  std::span<const std::uint8_t> next();
  // What the victim sent, so that the peers can go on. False when it is no well-formed frame.
  [[nodiscard]] bool learn(std::span<const std::uint8_t> frame);

  static constexpr std::uint32_t kPeers = 6;  // addresses of either family
  [[nodiscard]] static IpAddress peer_address(bool v4, std::uint32_t peer) noexcept;
  [[nodiscard]] static IpAddress victim_address(bool v4) noexcept;

 private:
  static constexpr std::uint32_t kClientPorts = 4;
  struct Flow {
    IpAddress remote;
    std::uint16_t remote_port = 0, local_port = 0;  // remote: ours, local: the victim's
    bool v4 = true, open = false, timestamps = false;
    SeqNum snd, rcv;                                // next to send, next expected
    std::uint32_t tsval = 1, tsecr = 0;
  };

  Flow& any_flow();
  Flow* find(const wire::Packet& packet);
  void head(const Flow& flow, std::uint8_t protocol, std::size_t payload_len);
  void extensions(std::uint8_t protocol);
  void tcp(Flow& flow);
  void segment(Flow& flow, std::uint8_t flags, SeqNum seq, SeqNum ack, std::size_t len);
  std::size_t options(const Flow& flow, bool syn, std::span<std::uint8_t> out);
  void arp();
  void neighbour_discovery();
  void echo();
  void icmp_error();
  void noise();
  void spoil();
  void repair();
  std::uint8_t byte() { return static_cast<std::uint8_t>(rng_.next()); }

  Rng rng_;
  wire::MacAddress victim_;
  std::uint16_t vlan_;
  std::vector<Flow> flows_;
  std::vector<std::size_t> to_answer_;  // flows whose SYN or SYN|ACK arrived
  std::vector<std::uint8_t> frame_;
  std::size_t l3_ = 0, l4_ = 0;    // offsets into frame_; l4_ 0: nothing to repair there
  std::uint8_t protocol_ = 0;
};

}  // namespace sluice::test
