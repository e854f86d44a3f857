// SPDX-License-Identifier: BSD-3-Clause
// What a server said in each connection of a capture, so that two servers can be
// compared that heard the same clients: the recorded one and the engine. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/seq_num.h"
#include "sluice/config.h"
#include "sluice/error.h"
#include "sluice/time.h"
#include "wire/packet.h"

namespace sluice::cli {

// A server's SYN|ACK; -1 where an option was not in it.
struct SynAck {
  SeqNum iss;
  Instant at;
  int mss = -1, wscale = -1;
  bool sack_permitted = false, timestamps = false;
  std::uint32_t tsval = 0;
  std::uint16_t window = 0;
};

// One connection. Numbers count from the ISNs: text begins at 1.
struct Talk {
  Endpoint client, server;
  Instant began;                    // the client's SYN
  SeqNum irs;                       // its ISN
  std::optional<SynAck> syn_ack;    // the first one
  std::uint64_t segments = 0;       // from the server, in all
  std::uint64_t pure_acks = 0;
  std::uint64_t sent_again = 0;     // segments without a new byte of text or a first SYN or FIN
  std::uint64_t resets = 0;
  std::uint32_t acknowledged = 0;   // the highest ACK
  bool fin = false;
  std::string text;                 // what the server sent, kTextMax bytes of it at most, kAllTextMax of all
  std::uint64_t text_bytes = 0;     // all of it
};

class Talks {
 public:
  static constexpr std::size_t kTextMax = 16U << 20U;
  // A server's text may begin anywhere in its window, so that one byte takes kTextMax: in all talks together there is no more.
  static constexpr std::size_t kAllTextMax = 256U << 20U;

  // A client's segment: a SYN with another ISN begins a talk.
  void client_said(const wire::Packet& packet, Instant at);
  // A server's: belongs to the talk that its four-tuple has at that time, if any.
  void server_said(const wire::Packet& packet, Instant at);
  // The talk that a four-tuple has at an instant; null when it has none.
  [[nodiscard]] const Talk* find(const Endpoint& client, const Endpoint& server, Instant at) const;
  // The same clients, with nothing said to them yet.
  [[nodiscard]] Talks unanswered() const;
  // Every talk, in order of four-tuple and time.
  [[nodiscard]] std::vector<const Talk*> all() const;

 private:
  using Tuple = std::pair<std::string, std::string>;
  [[nodiscard]] static Tuple tuple(const Endpoint& client, const Endpoint& server);
  bool note_text(Talk& talk, const wire::Packet& packet);
  std::size_t text_room_ = kAllTextMax;
  std::map<Tuple, std::vector<Talk>> talks_;  // of one four-tuple by the time they began
};

// A frame's TCP packet, whatever its checksums; nothing if it holds none. The packet points into `bytes`.
[[nodiscard]] std::optional<wire::Packet> tcp_packet(std::span<std::uint8_t> bytes, std::uint16_t vlan);

// Both directions of a capture. `ours`: the addresses that the recorded server had. The capture was checked.
[[nodiscard]] Result<Talks> read_talks(const std::string& path, const PortConfig& ours);

// What the engine did otherwise, a phrase each, the recorded value behind ours; empty when nothing.
[[nodiscard]] std::vector<std::string> differences(const Talk& ours, const Talk& recorded);

}  // namespace sluice::cli
