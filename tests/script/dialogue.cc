// SPDX-License-Identifier: BSD-3-Clause
#include "script/dialogue.h"

#include <algorithm>
#include <cstdio>

#include "script/events.h"
#include "script/frames.h"
#include "wire/bytes.h"

namespace sluice::script {

namespace {
IpAddress v6(std::uint8_t last) { return {{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}}; }
IpAddress address(Ip ip, std::uint8_t last) { return ip == Ip::kV4 ? IpAddress::v4(10, 0, 0, last) : v6(last); }
// Of duplicate address detection, from nobody: for the script to look at.
bool is_probe(const Frame& solicitation) {
  return std::all_of(solicitation.begin() + 22, solicitation.begin() + 38, [](std::uint8_t byte) { return byte == 0; });
}
}  // namespace

Dialogue::Dialogue(Ip ip, const Scene& scene)
    : ip_(ip), scene_(scene),
      ip_fields_{scene.options.ttl.value_or(scene.host.stack.ip.ttl), scene.options.dscp.value_or(scene.host.stack.ip.dscp)},
      events_(std::make_unique<Events>(*this)), host_(scene.host),
      now_{scene.start.count() * 1'000'000}, mark_(now_) {
  host_.stack().set_now(now_);
  host_.add_service(*events_);
  if (scene.listen) {
    listener_ = host_.listen(*events_, {our_address(), kServerPort}, scene.options, scene.backlog).value();
  }
  add_peer(kPeerPort, {}, scene.listen ? kServerPort : kLocalPort).isn_ = scene.isn;
}

Dialogue::~Dialogue() {
  const auto here = [this](const std::string& what) { complain(__FILE__, __LINE__, what); };
  for (const auto& peer : peers_) {
    if (peer->heard_.empty()) continue;
    here("at the end " + std::to_string(peer->heard_.size()) + " segments were said that nobody expected");
  }
  if (!icmp_.empty()) here("ICMP was sent that nobody expected");
  host_.stack().abort_all();
  (void)host_.take_sent();
  if (const char* left = host_.leftover()) here(left);
  if (const char* broken = host_.broken_invariant()) here(broken);
}

Service& Dialogue::service() { return *events_; }

IpAddress Dialogue::our_address() const { return address(ip_, 1); }
IpAddress Dialogue::peer_address(std::uint8_t last) const { return address(ip_, last); }

Peer& Dialogue::add_peer(std::uint16_t port, std::optional<IpAddress> from, std::uint16_t local_port, std::optional<IpAddress> local) {
  const Endpoint remote{from.value_or(peer_address()), port};
  peers_.push_back(std::make_unique<Peer>(*this, remote, Endpoint{local.value_or(our_address()), local_port}, scene_.isn));
  return *peers_.back();
}

Peer* Dialogue::find(const Endpoint& remote, const Endpoint& local) const {
  for (const auto& peer : peers_) {
    if (peer->remote_ == remote && peer->local_ == local) return peer.get();
  }
  return nullptr;
}

void Dialogue::connect(const char* file, int line) {
  touch();
  note("application: connect");
  auto result = host_.connect(*events_, peer().remote_, peer().local_, scene_.options);
  if (result) {
    peer().app_.connection_ = *result;
  } else {
    complain(file, line, "connect: " + result.error().message);
  }
  step();
}

void Dialogue::establish_actively() {
  connect();
  expect(SYN, seq(0));
  send(SYN | ACK, seq(0), ack(1), mss(1000));
  expect(ACK, seq(1), ack(1));
}

std::uint64_t Dialogue::counter(std::string_view name) {
  std::array<std::uint64_t, stack::Stack::kNamedCounters> all{};
  stack().read_counters(all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (name == stack::Stack::counter_name(i)) return all[i];
  }
  complain(__FILE__, __LINE__, std::string("no counter ").append(name));
  return 0;
}

void Dialogue::send_frame(const Frame& frame) {
  mark_ = now_;
  const tcp::VerdictCounts before = host_.stack().verdicts();
  host_.receive(frame, now_);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (host_.stack().verdicts()[i] != before[i]) verdict_ = static_cast<Verdict>(i);
  }
  step();
}

void Dialogue::send_icmp(std::uint8_t type, std::uint8_t code, std::uint32_t about, Peer* whose) {
  send_icmp_about(type, code, 0, about, whose == nullptr ? peer() : *whose, 28);
}

void Dialogue::send_too_big(std::uint32_t mtu, std::uint32_t about, Peer* whose, std::uint16_t len) {
  send_icmp_about(v4() ? 3 : 2, v4() ? 4 : 0, mtu, about, whose == nullptr ? peer() : *whose, len);
}

void Dialogue::send_icmp_about(std::uint8_t type, std::uint8_t code, std::uint32_t rest, std::uint32_t about, const Peer& p,
                               std::uint16_t len) {
  std::vector<std::uint8_t> tcp(8);
  wire::store_be16(tcp.data(), p.local_.port);
  wire::store_be16(tcp.data() + 2, p.remote_.port);
  wire::store_be32(tcp.data() + 4, p.iss() + about);
  Frame inner = ip_frame({{}, {}, p.local_.address, p.remote_.address}, 6, tcp);
  if (v4()) wire::store_be16(&inner[16], len);
  note("> ICMP " + std::to_string(type) + "/" + std::to_string(code) + " about seq(" + std::to_string(about) + ")");
  send_frame(icmp_frame({peer_mac_, host_.mac(), p.remote_.address, p.local_.address}, type, code,
                        std::span(inner).subspan(14), rest));
}

void Dialogue::step() {
  for (const Frame& frame : host_.take_sent()) on_frame(frame);
  if (const char* broken = host_.broken_invariant()) complain(__FILE__, __LINE__, std::string("invariant: ") + broken);
}

void Dialogue::on_frame(const Frame& frame) {
  switch (kind_of(frame)) {
    case Ether::kArp: return answer_arp(frame);
    case Ether::kIcmp:
      if (!v4() && frame.size() >= 62 && frame[54] == 135 && !is_probe(frame)) return answer_solicitation(frame);
      if (!v4() && frame.size() >= 62 && frame[54] == 136) {
        note("< advertisement");
      } else {
        note("< ICMP");
      }
      icmp_.push_back(frame);
      return;
    case Ether::kOther:
      if (!v4() && frame.size() > 62 && frame[20] == 0 && frame[62] == 143) return;  // groups, see clause_listener_reports.cc
      return complain(__FILE__, __LINE__, "a frame that is neither TCP, ARP nor ICMP");
    case Ether::kTcp: break;
  }
  std::string defects;
  Heard heard = hear(frame, defects);
  heard.at = now_;
  const Frame to_peer(peer_mac_.begin(), peer_mac_.end());
  if (!std::equal(to_peer.begin(), to_peer.end(), frame.begin())) defects += "sent to another station\n";
  if (!std::equal(host_.mac().begin(), host_.mac().end(), frame.begin() + 6)) defects += "sent from another station\n";
  const bool ecn = scene_.host.stack.ecn || scene_.options.congestion_control == CongestionControl::kDctcp;
  if (!ecn && (heard.ecn != 0 || (heard.flags & (ECE | CWR)) != 0)) defects += "ECN that nobody asked for\n";
  if (heard.ttl != ip_fields_.ttl) defects += "TTL is " + std::to_string(heard.ttl) + "\n";
  if (heard.dscp != ip_fields_.dscp) defects += "DSCP is " + std::to_string(heard.dscp) + "\n";
  Peer* peer = find({heard.dst, heard.dst_port}, {heard.src, heard.src_port});
  if (peer == nullptr) defects += "to nobody we know\n";
  if (!defects.empty()) complain(__FILE__, __LINE__, "malformed segment: " + defects);
  if (peer == nullptr) return;
  char text[96];
  const std::uint32_t iss = peer->iss_.value_or((heard.flags & SYN) != 0 ? heard.seq : 0);
  std::snprintf(text, sizeof(text), "  < flags %02x seq(%d) ack(%d) win(%u) len %zu", heard.flags,
                static_cast<int>(heard.seq - iss), static_cast<int>(heard.ack - peer->isn_), heard.win,
                heard.data.size());
  note(text);
  peer->heard_.push_back(std::move(heard));
}

void Dialogue::answer_arp(const Frame& frame) {
  if (frame.size() < 42 || frame[21] != 1) return;
  IpAddress asked = IpAddress::v4(frame[38], frame[39], frame[40], frame[41]);
  host_.receive(arp_frame({peer_mac_, host_.mac(), asked, our_address()}, 2), now_);
  step();
}

void Dialogue::answer_solicitation(const Frame& frame) {
  IpAddress asked;
  std::copy_n(frame.begin() + 62, 16, asked.bytes.begin());
  host_.receive(neighbour_frame({peer_mac_, host_.mac(), asked, our_address()}, false, asked), now_);
  step();
}

void Dialogue::advance(std::chrono::microseconds by) {
  const Instant target = now_ + Duration::microseconds(by.count());
  unsigned at_once = 0;
  for (;;) {
    const Instant next = host_.stack().next_deadline(now_);
    if (next > target) break;
    at_once = next > now_ ? 0 : at_once + 1;
    if (at_once > 1000) return complain(__FILE__, __LINE__, "timers fire for ever");
    now_ = std::max(next, now_);
    host_.advance(now_);
    step();
  }
  now_ = target;
  host_.advance(now_);
  step();
}

void Dialogue::expect_silence(const char* file, int line) {
  for (const auto& peer : peers_) peer->expect_silence(file, line);
  if (!icmp_.empty()) complain(file, line, "expected silence, but there was ICMP");
}

void Dialogue::verdict_is(Verdict verdict, const char* file, int line) {
  if (verdict_ == verdict) return;
  const auto name = [](Verdict v) { return std::string(tcp::kVerdicts[static_cast<std::size_t>(v)].name); };
  complain(file, line, "verdict should be " + name(verdict) + " and is " + name(verdict_));
}

std::string Dialogue::at() const { return std::to_string(now_.us()) + " us"; }

void Dialogue::note(const std::string& text) {
  if (transcript_.size() < 400) transcript_.push_back(at() + "  " + text);
}

void Dialogue::complain(const char* file, int line, const std::string& what) const {
  std::string text = what + "\nat " + at();
  if (!transcript_shown_) {
    transcript_shown_ = true;
    text += "\nafter this dialogue:";
    const std::size_t first = transcript_.size() > 60 ? transcript_.size() - 60 : 0;
    for (std::size_t i = first; i < transcript_.size(); ++i) text += "\n  " + transcript_[i];
  }
  ADD_FAILURE_AT(file, line) << text;
}

}  // namespace sluice::script
