// SPDX-License-Identifier: BSD-3-Clause
#include "sim/bottleneck.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace sluice::test {

namespace {
constexpr std::uint16_t kPort = 80;
constexpr std::uint16_t kFirstPort = 10'000;  // a flow's, by its number

// Buffers never limit: with less than twice the path's product the sender's refills would come in bursts.
SocketOptions plenty(std::uint32_t rcvbuf) {
  SocketOptions options;
  options.sndbuf = 2U << 20U;
  options.rcvbuf = rcvbuf;
  return options;
}

HostConfig host_config(int i, const Ends& ends) {
  HostConfig config;
  config.addresses = {i == 0 ? "10.0.0.1/24" : "10.0.0.2/24"};
  config.mac = {0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(i + 1)};
  config.buffers = ends.buffers;
  config.seed = static_cast<std::uint64_t>(i) + 7;
  config.stack.max_connections = 16;
  config.stack.neighbour_sets = 4;
  config.stack.ecn = ends.ecn;
  return config;
}
}  // namespace

// Sends without end.
class Bottleneck::Source final : public Service {
 public:
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection) override {}
  void on_connected(Connection connection) override { on_writable(connection); }
  void on_writable(Connection connection) override {
    static constexpr std::array<std::byte, 16'384> kBytes{};
    while (connection.send(kBytes) == kBytes.size()) {
    }
  }
};

// Reads everything.
class Bottleneck::Sink final : public Service {
 public:
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection connection) override {
    std::uint64_t& bytes = received[connection.info().peer.port];
    for (Buffer buffer = connection.receive(); !buffer.empty(); buffer = connection.receive()) bytes += buffer.size();
  }
  std::map<std::uint16_t, std::uint64_t> received;
};

Bottleneck::Bottleneck(const NetworkConfig& link, const std::vector<Flow>& flows, const Ends& ends)
    : link_(link, ends.seed), flows_(flows), rcvbuf_(ends.rcvbuf), source_(std::make_unique<Source>()), sink_(std::make_unique<Sink>()),
      sender_(std::make_unique<Host>(host_config(0, ends))), receiver_(std::make_unique<Host>(host_config(1, ends))) {
  for (Flow& flow : flows_) flow.start = flow.start + Duration{now_.ns};
  sender_->add_service(*source_);
  receiver_->add_service(*sink_);
  sender_->stack().set_now(now_);
  receiver_->stack().set_now(now_);
  SocketOptions options = plenty(rcvbuf_);
  // Each end's algorithm is the flow's: DCTCP's receiver is half of it.
  options.congestion_control = flows_.front().algorithm;
  CHECK(receiver_->listen(*sink_, {IpAddress::v4(10, 0, 0, 2), kPort}, options, 16).ok());
}

Bottleneck::~Bottleneck() = default;

void Bottleneck::flush() {
  for (auto& frame : sender_->take_sent()) link_.send(1, std::move(frame), now_);
  for (auto& frame : receiver_->take_sent()) link_.send(0, std::move(frame), now_);
}

Instant Bottleneck::next() const {
  const Instant next = std::min(sender_->stack().next_deadline(now_), receiver_->stack().next_deadline(now_));
  return std::min({next, link_.next(), started_ < flows_.size() ? flows_[started_].start : Instant::never()});
}

void Bottleneck::run_until(Instant end) {
  end = end + Duration::seconds(1);  // the clock starts there
  for (Instant at = next(); at <= end; at = next()) {
    now_ = std::max(now_, at);
    while (link_.next() <= now_) {
      const Network::Delivery frame = link_.take();
      (frame.to == 0 ? sender_ : receiver_)->receive(frame.bytes, now_);
      flush();
    }
    sender_->stack().set_now(now_);
    for (; started_ < flows_.size() && flows_[started_].start <= now_; ++started_) {
      SocketOptions options = plenty(rcvbuf_);
      options.congestion_control = flows_[started_].algorithm;
      options.sndbuf = flows_[started_].sndbuf;
      options.pacing = flows_[started_].pacing;
      const auto port = static_cast<std::uint16_t>(kFirstPort + started_);
      const Endpoint from{IpAddress::v4(10, 0, 0, 1), port};
      CHECK(sender_->connect(*source_, {IpAddress::v4(10, 0, 0, 2), kPort}, from, options).ok());
    }
    sender_->advance(now_);
    receiver_->advance(now_);
    flush();
  }
  now_ = end;
}

std::vector<std::uint64_t> Bottleneck::received() const {
  std::vector<std::uint64_t> bytes;
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    bytes.push_back(sink_->received[static_cast<std::uint16_t>(kFirstPort + i)]);
  }
  return bytes;
}

const char* Bottleneck::broken() {
  const char* broken = sender_->broken_invariant();
  return broken != nullptr ? broken : receiver_->broken_invariant();
}

double jain(const std::vector<std::uint64_t>& shares) {
  double sum = 0;
  double squares = 0;
  for (const std::uint64_t x : shares) {
    sum += static_cast<double>(x);
    squares += static_cast<double>(x) * static_cast<double>(x);
  }
  return squares == 0 ? 0 : sum * sum / (static_cast<double>(shares.size()) * squares);
}

}  // namespace sluice::test
