// SPDX-License-Identifier: BSD-3-Clause
#include "sim/siege.h"

#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "wire/arp.h"
#include "wire/tcp.h"

namespace sluice::test {

namespace {
constexpr std::uint16_t kFirstPort = 20000;
constexpr std::uint16_t kFirstKnock = 30000;
constexpr Duration kPatience = Duration::seconds(2);

HostConfig host_at(HostConfig config, int number) {
  config.addresses = {"10.0.0." + std::to_string(number) + "/16", "fd00::" + std::to_string(number) + "/64"};
  config.gateways = {"10.0.0.254", "fd00::fe"};
  config.mac = {0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(number)};
  return config;
}
}  // namespace

int bulk_connections() {
  const char* wanted = std::getenv("SLUICE_SIM_BULK");
  return wanted == nullptr ? 3 : std::max(std::atoi(wanted), 1);
}

// Both ends' applications: a kSource sends for ever, a kSink reads, to whichever of them the connection is.
class Siege::Bulk final : public Service {
 public:
  Bulk(Siege& siege, bool client) : siege_(siege), client_(client) {}

  void on_accept(Connection c, ListenerId) override {
    const Endpoint far = c.info().peer;
    if (far.address != siege_.client_address() || far.port < kFirstKnock) return begin(c);
    const auto knock = siege_.waiting_.find(far.port);
    if (knock != siege_.waiting_.end() && siege_.now() - knock->second <= kPatience) ++siege_.admitted_;
    siege_.waiting_.erase(far.port);
  }
  void on_connected(Connection c) override {
    if (c.info().local.port < kFirstKnock) return begin(c);
    c.close();
  }
  void on_readable(Connection c) override {
    if (port(c) == kHold && !client_) return;
    for (;;) {
      const Buffer buffer = c.receive();
      if (buffer.empty()) break;
      if (well_meaning(c) && siege_.measuring_) siege_.bytes_ += buffer.size();
    }
    if (c.eof()) c.close();
  }
  void on_writable(Connection c) override { pump(c); }
  void on_closed(Connection c, Errc) override {
    if (well_meaning(c)) ++siege_.lost_;
  }

 private:
  [[nodiscard]] std::uint16_t port(const Connection& c) const {
    return client_ ? c.info().peer.port : c.info().local.port;
  }
  [[nodiscard]] bool well_meaning(const Connection& c) const {
    const Endpoint far = client_ ? c.info().local : c.info().peer;
    return (client_ || far.address == siege_.client_address()) && far.port < kFirstKnock;
  }
  void begin(Connection c) {
    if (port(c) == kParting && !client_) {
      static const std::vector<std::byte> kFarewell(8192);
      (void)c.send(kFarewell);
      c.close();
    } else if ((port(c) == kSource) != client_) {
      pump(c);
    }
  }
  void pump(Connection c) {
    static const std::vector<std::byte> kChunk(4096);
    while (c.send(kChunk) == kChunk.size()) {
    }
  }
  Siege& siege_;
  bool client_;
};

Siege::Siege(const SiegeConfig& config) : config_(config), network_({.delay = config.delay}, 1) {
  HostConfig client = host_at({}, 2);
  client.seed = 7;
  client.buffers = 16384;
  services_[0] = std::make_unique<Bulk>(*this, false);
  services_[1] = std::make_unique<Bulk>(*this, true);
  victim_ = std::make_unique<Host>(host_at(config.victim, 1));
  client_ = std::make_unique<Host>(client);
  victim_->stack().set_now(now_);
  client_->stack().set_now(now_);
  victim_->add_service(*services_[0]);
  client_->add_service(*services_[1]);
  const SocketOptions options{
      .keepalive = {}, .rcvbuf = 65536, .sndbuf = 65536, .congestion_control = config.congestion};
  for (const std::uint16_t port : {kSource, kSink, kHold, kParting}) {
    for (const char* any : {"0.0.0.0", "::"}) {
      EXPECT_TRUE(victim_->listen(*services_[0], {IpAddress::parse(any).value(), port}, options, 256).ok());
    }
  }
  introduce();
}

Siege::~Siege() = default;

IpAddress Siege::victim_address() const { return IpAddress::parse(config_.v6 ? "fd00::1" : "10.0.0.1").value(); }
IpAddress Siege::client_address() const { return IpAddress::parse(config_.v6 ? "fd00::2" : "10.0.0.2").value(); }

IpAddress Siege::stranger(std::uint32_t number) const {
  if (!config_.v6) {
    return IpAddress::v4(100, static_cast<std::uint8_t>(64 + (number >> 16U & 63U)), static_cast<std::uint8_t>(number >> 8U),
                         static_cast<std::uint8_t>(number));
  }
  IpAddress address = IpAddress::parse("2001:db8::").value();
  for (unsigned i = 0; i < 4; ++i) address.bytes[12 + i] = static_cast<std::uint8_t>(number >> 8U * (3 - i));
  return address;
}

IpAddress Siege::neighbour(std::uint32_t number) const {
  if (!config_.v6) {
    return IpAddress::v4(10, 0, static_cast<std::uint8_t>(1 + (number >> 8U) % 254U), static_cast<std::uint8_t>(number));
  }
  IpAddress address = IpAddress::parse("fd00::1:0:0").value();
  for (unsigned i = 0; i < 4; ++i) address.bytes[12 + i] = static_cast<std::uint8_t>(number >> 8U * (3 - i));
  return address;
}

std::uint64_t Siege::questions_about(const IpAddress& address) const {
  const auto found = questions_about_.find(address);
  return found != questions_about_.end() ? found->second : 0;
}

// Everybody knows everybody's station, so that no attack depends on ARP.
void Siege::introduce() {
  if (!config_.introductions) return;
  const wire::MacAddress macs[] = {victim_->mac(), client_->mac(), gateway_mac_};
  const char* names[][2] = {{"10.0.0.1", "fd00::1"}, {"10.0.0.2", "fd00::2"}, {"10.0.0.254", "fd00::fe"}};
  for (Host* host : {victim_.get(), client_.get()}) {
    for (std::size_t i = 0; i < 3; ++i) {
      for (const char* name : names[i]) {
        host->stack().learn_neighbour(0, IpAddress::parse(name).value(), macs[i], now_);
      }
    }
  }
}

Frame Siege::frame_of(const Forged& s) const {
  std::vector<std::uint8_t> tcp(wire::kTcpHeader);
  wire::TcpHeader{s.from.port, s.to.port, SeqNum(s.seq), SeqNum(s.ack), s.flags, s.wnd, 0}.write(tcp.data(), s.options.size());
  tcp.insert(tcp.end(), s.options.begin(), s.options.end());
  tcp.insert(tcp.end(), s.data.begin(), s.data.end());
  Frame frame = script::ip_frame({gateway_mac_, victim_->mac(), s.from.address, s.to.address}, 6, tcp);
  script::fix_checksums(frame, s.to.address.is_v4() ? 34 : 54);
  return frame;
}

void Siege::strike(const Frame& frame) { deliver(0, frame); }

void Siege::deliver(int to, std::span<const std::uint8_t> frame) {
  Host& host = to == 0 ? *victim_ : *client_;
  host.receive(frame, now_);
  flush(to);
}

void Siege::note_question(std::span<const std::uint8_t> frame) {
  const bool arp = script::kind_of(frame) == script::Ether::kArp;
  IpAddress target = IpAddress::v4(0, 0, 0, 0);
  const auto at = frame.begin() + (arp ? 14 + 24 : 14 + 40 + 8);
  std::copy(at, at + (arp ? 4 : 16), target.bytes.begin() + (arp ? 12 : 0));
  ++questions_;
  ++questions_about_[target];
}

// ARP requests and neighbour solicitations: nothing else leaves for everybody here.
void Siege::to_all(int from, std::vector<std::uint8_t> frame) {
  if (from == 0) note_question(frame);
  if (!config_.introductions) network_.send(1 - from, std::move(frame), now_);
}

void Siege::flush(int from) {
  Host& host = from == 0 ? *victim_ : *client_;
  const wire::MacAddress& other = from == 0 ? client_->mac() : victim_->mac();
  for (auto& frame : host.take_sent()) {
    if ((frame[0] & 1U) != 0) {
      to_all(from, std::move(frame));
    } else if (std::equal(other.begin(), other.end(), frame.begin())) {
      // Who is known is asked at his address.
      const auto kind = script::kind_of(frame);
      const bool solicitation = kind == script::Ether::kIcmp && frame[12] == 0x86 && frame[54] == 135;
      const bool request = kind == script::Ether::kArp ? frame[21] == wire::kArpRequest : solicitation;
      if (from == 0 && request) note_question(frame);
      network_.send(1 - from, std::move(frame), now_);
    } else if (from == 0 && script::kind_of(frame) != script::Ether::kArp) {
      ++answers_;
      if (!answer_ || script::kind_of(frame) != script::Ether::kTcp) continue;
      std::string defects;
      const script::Heard heard = script::hear(frame, defects);
      EXPECT_EQ(defects, "");
      answer_(*this, heard);
    }
  }
}

void Siege::open_all() {
  for (int i = 0; i < 2 * config_.connections; ++i) {
    const Endpoint to{victim_address(), i % 2 == 0 ? kSource : kSink};
    const Endpoint from{client_address(), static_cast<std::uint16_t>(kFirstPort + i)};
    const SocketOptions options{.keepalive = {}, .rcvbuf = 65536, .sndbuf = 65536};
    EXPECT_TRUE(client_->connect(*services_[1], to, from, options).ok());
    flows_.push_back({from, to});
  }
  flush(1);
}

void Siege::knock() {
  const auto port = static_cast<std::uint16_t>(kFirstKnock + knocks_ % 20000);
  ++knocks_;
  waiting_[port] = now_;
  EXPECT_TRUE(client_->connect(*services_[1], {victim_address(), kSink}, {client_address(), port}, SocketOptions{}).ok());
  flush(1);
}

void Siege::look() {
  stack::Stack& stack = victim_->stack();
  const stack::Slabs& slabs = stack.slabs();
  const auto see = [](auto& most, auto now) { most = std::max<std::remove_reference_t<decltype(most)>>(most, now); };
  see(most_.buffers, stack.bufs().in_use());
  see(most_.connections, slabs.tcbs.used());
  see(most_.half_open, slabs.half_opens.used());
  see(most_.sides, slabs.sides.used());
  see(most_.maps, slabs.maps.used());
  see(most_.out_of_order, stack.env().ooo_bufs);
  see(most_.fragments, stack.reassembly().pending());
}

std::uint64_t Siege::counter(const std::string& name) const {
  std::array<std::uint64_t, stack::Stack::kNamedCounters> values{};
  victim_->stack().read_counters(values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (stack::Stack::counter_name(i) == name) return values[i];
  }
  ADD_FAILURE() << "no counter " << name;
  return 0;
}

void Siege::run(const Attack& attack, Answer answer) {
  answer_ = std::move(answer);
  open_all();
  const Instant begin = now_ + config_.span;  // windows have opened by then, and the attack is in full swing
  const Instant end = begin + config_.span;
  Instant next_attack = attack ? now_ + Duration::milliseconds(200) : Instant::never();
  Instant next_knock = config_.knock_every.ns != 0 ? begin : Instant::never();
  Instant next_introduction = now_;
  for (;;) {
    const Instant next = std::min({network_.next(), victim_->stack().next_deadline(now_), client_->stack().next_deadline(now_),
                                   next_attack, next_knock, next_introduction, end});
    now_ = std::max(now_, next);
    measuring_ = now_ >= begin;
    if (now_ >= end) break;
    if (now_ >= next_introduction) {
      introduce();
      next_introduction = now_ + Duration::seconds(1);
    }
    while (network_.next() <= now_) {
      const Network::Delivery delivery = network_.take();
      deliver(delivery.to, delivery.bytes);
    }
    for (int i = 0; i < 2; ++i) {
      (i == 0 ? victim_ : client_)->advance(now_);
      flush(i);
    }
    if (now_ >= next_attack) {
      victim_->stack().set_now(now_);
      attack(*this);
      flush(0);
      next_attack = now_ + config_.attack_every;
    }
    if (now_ >= next_knock) {
      client_->stack().set_now(now_);
      knock();
      next_knock = now_ + config_.knock_every;
      if (next_knock + kPatience >= end) next_knock = Instant::never();
    }
    look();
  }
  if (const char* broken = victim_->broken_invariant()) ADD_FAILURE() << "broken invariant: " << broken;
}

void expect_unharmed(const SiegeConfig& config, Siege& siege, const Held& more) {
  Siege peace(config);
  peace.run();
  EXPECT_GT(peace.bytes(), 1'000'000U);
  EXPECT_GE(siege.bytes() * 100, peace.bytes() * 95) << siege.bytes() << " bytes, " << peace.bytes() << " in peace";
  EXPECT_EQ(siege.lost(), 0U) << "connections were lost";
  const Held& held = siege.most();
  const Held& usual = peace.most();
  // When bulk data is sent and read changes with every frame between: a few buffers are chance.
  EXPECT_LE(held.buffers, usual.buffers + usual.buffers / 20 + 8 + more.buffers) << usual.buffers << " in peace";
  EXPECT_LE(held.connections, usual.connections + more.connections);
  EXPECT_LE(held.half_open, usual.half_open + more.half_open);
  EXPECT_LE(held.sides, usual.sides + more.sides);
  EXPECT_LE(held.maps, usual.maps + more.maps);
  EXPECT_LE(held.out_of_order, usual.out_of_order + more.out_of_order);
  EXPECT_LE(held.fragments, usual.fragments + more.fragments);
}

void expect_all_freed(Siege& siege) {
  Host& victim = siege.victim();
  victim.stack().set_now(siege.now() + stack::Reassembly::kTimeoutV6);
  victim.advance(siege.now() + stack::Reassembly::kTimeoutV6);
  EXPECT_EQ(victim.stack().reassembly().pending(), 0U);
  victim.stack().abort_all();
  (void)victim.take_sent();
  const char* left = victim.leftover();
  EXPECT_EQ(left, nullptr) << left;
}

}  // namespace sluice::test
