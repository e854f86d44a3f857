// SPDX-License-Identifier: BSD-3-Clause
#include "cli/talks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "port/pcap_port.h"

namespace sluice::cli {

namespace {

SynAck syn_ack_of(const wire::Packet& packet, Instant at) {
  SynAck said;
  said.iss = packet.seq;
  said.at = at;
  const wire::TcpOptions& options = packet.options;
  if (options.has_mss) said.mss = options.mss;
  if (options.has_wscale) said.wscale = options.wscale;
  said.sack_permitted = options.sack_permitted;
  said.timestamps = options.has_ts;
  if (options.has_ts) said.tsval = options.tsval;
  said.window = packet.window;
  return said;
}

bool has_address(const PortConfig& port, const IpAddress& address) {
  return std::any_of(port.addresses.begin(), port.addresses.end(), [&](const InterfaceAddress& a) { return a.address == address; });
}

// The talk that was going on at that time.
template <typename List>
auto* last_begun(List& talks, Instant at) {
  decltype(talks.data()) last = nullptr;
  for (auto& talk : talks) {
    if (talk.began <= at) last = &talk;
  }
  return last;
}

const char* yes_no(bool value) { return value ? "yes" : "no"; }

class Comparison {
 public:
  template <typename T>
  void same(std::string_view what, const T& ours, const T& recorded) {
    if (ours != recorded) found_.push_back(fmt::format("{} {}, recorded {}", what, ours, recorded));
  }
  void option(std::string_view what, int ours, int recorded) {
    if (ours != recorded) found_.push_back(fmt::format("{} {}, recorded {}", what, shown(ours), shown(recorded)));
  }
  void flag(std::string_view what, bool ours, bool recorded) { same<std::string_view>(what, yes_no(ours), yes_no(recorded)); }
  [[nodiscard]] std::vector<std::string> take() { return std::move(found_); }
  void add(std::string text) { found_.push_back(std::move(text)); }

 private:
  static std::string shown(int value) { return value < 0 ? "none" : fmt::format("{}", value); }
  std::vector<std::string> found_;
};

}  // namespace

Talks::Tuple Talks::tuple(const Endpoint& client, const Endpoint& server) { return {client.to_string(), server.to_string()}; }

void Talks::client_said(const wire::Packet& packet, Instant at) {
  if ((packet.flags & (wire::kSyn | wire::kAck | wire::kRst)) != wire::kSyn) return;
  const Endpoint client{packet.src, packet.src_port};
  const Endpoint server{packet.dst, packet.dst_port};
  std::vector<Talk>& talks = talks_[tuple(client, server)];
  if (!talks.empty() && talks.back().irs == packet.seq) return;
  Talk talk;
  talk.client = client;
  talk.server = server;
  talk.began = at;
  talk.irs = packet.seq;
  talks.push_back(std::move(talk));
}

const Talk* Talks::find(const Endpoint& client, const Endpoint& server, Instant at) const {
  const auto found = talks_.find(tuple(client, server));
  return found == talks_.end() ? nullptr : last_begun(found->second, at);
}

// Text where it belongs, whatever the order in which it was sent; true when some of it is new.
bool Talks::note_text(Talk& talk, const wire::Packet& packet) {
  const std::uint32_t at = packet.seq - talk.syn_ack->iss - 1;
  if (at >= 1U << 31U) return false;  // a keepalive's byte, below all text
  const std::uint64_t end = std::uint64_t{at} + packet.payload_len;
  const bool news = end > talk.text_bytes;
  talk.text_bytes = std::max(talk.text_bytes, end);
  const std::size_t more = end > talk.text.size() ? end - talk.text.size() : 0;
  if (end <= kTextMax && more <= text_room_) {
    text_room_ -= more;
    if (more != 0) talk.text.resize(end);
    std::memcpy(talk.text.data() + at, packet.payload, packet.payload_len);
  }
  return news;
}

void Talks::server_said(const wire::Packet& packet, Instant at) {
  const auto found = talks_.find(tuple({packet.dst, packet.dst_port}, {packet.src, packet.src_port}));
  Talk* talk = found == talks_.end() ? nullptr : last_begun(found->second, at);
  if (talk == nullptr) return;
  ++talk->segments;
  const bool syn = (packet.flags & wire::kSyn) != 0;
  const bool fin = (packet.flags & wire::kFin) != 0;
  if ((packet.flags & wire::kAck) != 0) talk->acknowledged = std::max(talk->acknowledged, packet.ack - talk->irs);
  if ((packet.flags & wire::kRst) != 0) {
    ++talk->resets;
    return;
  }
  bool news = false;
  if (syn && !talk->syn_ack) {
    talk->syn_ack = syn_ack_of(packet, at);
    news = true;
  }
  if (!talk->syn_ack) return;
  if (packet.payload_len != 0 && note_text(*talk, packet)) news = true;
  if (fin && !talk->fin) talk->fin = news = true;
  if (packet.seg_len() == 0) {
    ++talk->pure_acks;
  } else if (!news) {
    ++talk->sent_again;
  }
}

Talks Talks::unanswered() const {
  Talks out;
  for (const auto& [tuple, talks] : talks_) {
    for (const Talk& talk : talks) {
      Talk fresh;
      fresh.client = talk.client;
      fresh.server = talk.server;
      fresh.began = talk.began;
      fresh.irs = talk.irs;
      out.talks_[tuple].push_back(std::move(fresh));
    }
  }
  return out;
}

std::vector<const Talk*> Talks::all() const {
  std::vector<const Talk*> out;
  for (const auto& [tuple, talks] : talks_) {
    for (const Talk& talk : talks) out.push_back(&talk);
  }
  return out;
}

std::optional<wire::Packet> tcp_packet(std::span<std::uint8_t> bytes, std::uint16_t vlan) {
  Buf buf{};
  buf.data = bytes.data();
  buf.len = static_cast<std::uint32_t>(bytes.size());
  buf.flags = kRxIpCsumGood | kRxL4CsumGood;  // on the sender's machine a capture is made before its device fills them in
  wire::Packet packet;
  if (wire::parse_frame(buf, wire::ParseContext{vlan}, packet) != wire::ParseError::kOk) return std::nullopt;
  if (packet.kind != wire::PacketKind::kTcp4 && packet.kind != wire::PacketKind::kTcp6) return std::nullopt;
  return packet;
}

Result<Talks> read_talks(const std::string& path, const PortConfig& ours) {
  auto reader = port::PcapReader::open(path);
  if (!reader) return reader.error();
  Talks talks;
  for (;;) {
    auto frame = (*reader)->next();
    if (!frame) return frame.error();
    if (!*frame) return talks;
    const auto packet = tcp_packet((*frame)->bytes, ours.vlan);
    if (!packet) continue;
    if (has_address(ours, packet->dst)) talks.client_said(*packet, (*frame)->at);
    if (has_address(ours, packet->src)) talks.server_said(*packet, (*frame)->at);
  }
}

std::vector<std::string> differences(const Talk& ours, const Talk& recorded) {
  Comparison c;
  c.flag("SYN|ACK", ours.syn_ack.has_value(), recorded.syn_ack.has_value());
  if (ours.syn_ack && recorded.syn_ack) {
    const SynAck &a = *ours.syn_ack, &b = *recorded.syn_ack;
    c.same("ISS", a.iss.value(), b.iss.value());
    c.option("MSS", a.mss, b.mss);
    c.option("window scale", a.wscale, b.wscale);
    c.flag("SACK permitted", a.sack_permitted, b.sack_permitted);
    c.flag("timestamps", a.timestamps, b.timestamps);
    c.same("window of the SYN|ACK", a.window, b.window);
  }
  c.same("bytes sent", ours.text_bytes, recorded.text_bytes);
  const std::size_t both = std::min(ours.text.size(), recorded.text.size());
  const auto [mine, theirs] = std::mismatch(ours.text.begin(), ours.text.begin() + static_cast<std::ptrdiff_t>(both),
                                           recorded.text.begin());
  const auto equal = static_cast<std::size_t>(mine - ours.text.begin());
  if (equal != both) c.add(fmt::format("text differs from byte {} on", equal));
  c.same("acknowledged", ours.acknowledged, recorded.acknowledged);
  c.flag("FIN", ours.fin, recorded.fin);
  c.same("RSTs", ours.resets, recorded.resets);
  c.same("pure ACKs", ours.pure_acks, recorded.pure_acks);
  c.same("segments sent again", ours.sent_again, recorded.sent_again);
  c.same("segments", ours.segments, recorded.segments);
  return c.take();
}

}  // namespace sluice::cli
