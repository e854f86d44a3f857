// SPDX-License-Identifier: BSD-3-Clause
// The engine as a client of the engine, on the public API alone: short connections (open,
// one HTTP request, read the answer, close after the server), or streams without end.
// One line of JSON a round. The client does the work of a whole stack too, so the server is
// not alone the limit: the raw client is there for that. Then it polls no more, but keeps its port until
// its standard input ends: the server is to end a link of memif first (docs/devices.md).
//   engine_client --device VDEV --server IP:PORT [--mode connections|stream] [--window 512]
//                 [--lcores 1@1] [--instance NAME] [--hugepages 0|1] [--warmup 1] [--seconds 3] [--rounds 3]
#include <sluice/engine.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace sluice;

constexpr unsigned kAddresses = 64;  // of ours: 1.8 million four-tuples, which come back after 2MSL
constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";

struct Options {
  std::string device, server, mode = "connections", lcores = "1@1", instance = "engine-client";
  unsigned window = 512, warmup = 1, seconds = 3, rounds = 3;
  bool hugepages = false;
};

struct Counts {
  std::atomic<std::uint64_t> completed = 0, failed = 0, bytes = 0;
};

class Client final : public Service {
 public:
  Client(const Options& options, Endpoint server, Counts& counts)
      : server_(server), stream_(options.mode == "stream"), window_(options.window), counts_(counts), piece_(65536) {
    options_.nodelay = true;
  }

  void on_start(Shard& shard) override {
    shard_ = &shard;
    static_cast<void>(open());  // the others follow when the neighbour is known
  }
  void on_accept(Connection connection, ListenerId) override { connection.abort(); }
  void on_connected(Connection connection) override {
    refill();
    if (stream_) return fill(connection);
    connection.send(std::as_bytes(std::span(kRequest)));
  }
  void on_readable(Connection connection) override {
    while (!connection.receive().empty()) {}
    if (!connection.eof()) return;
    connection.close();
    --open_;
    add(counts_.completed, 1);
    refill();
  }
  void on_writable(Connection connection) override { fill(connection); }
  void on_closed(Connection, Errc) override {
    --open_;
    add(counts_.failed, 1);
    refill();
  }
  void on_drain() override { draining_ = true; }

 private:
  // One thread writes.
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t n) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void fill(Connection connection) {
    for (;;) {
      const std::size_t taken = connection.send(piece_);
      add(counts_.bytes, taken);
      if (taken < piece_.size() || draining_) return;
    }
  }
  // One that could not be opened is made up for when the next one ends.
  void refill() {
    while (open_ < window_ && !draining_ && open()) {
    }
  }
  bool open() {
    static constexpr std::uint8_t kFirst = 100;
    const IpAddress from = IpAddress::v4(10, 78, 0, static_cast<std::uint8_t>(kFirst + next_++ % kAddresses));
    const bool opened = shard_->connect(*this, server_, {from, 0}, options_).ok();
    if (opened) {
      ++open_;
    } else {
      add(counts_.failed, 1);
    }
    return opened;
  }

  Endpoint server_;
  bool stream_;
  unsigned window_;
  Counts& counts_;
  std::vector<std::byte> piece_;
  SocketOptions options_;
  Shard* shard_ = nullptr;
  unsigned open_ = 0;  // now
  unsigned next_ = 0;
  bool draining_ = false;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const char* value = argv[i + 1];
    const auto number = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    if (key == "--device") options.device = value;
    else if (key == "--server") options.server = value;
    else if (key == "--mode") options.mode = value;
    else if (key == "--lcores") options.lcores = value;
    else if (key == "--instance") options.instance = value;
    else if (key == "--window") options.window = number;
    else if (key == "--warmup") options.warmup = number;
    else if (key == "--seconds") options.seconds = number;
    else if (key == "--rounds") options.rounds = number;
    else if (key == "--hugepages") options.hugepages = number != 0;
    else {
      std::fprintf(stderr, "engine_client: unknown option %s\n", argv[i]);
      std::exit(2);
    }
  }
  return options;
}

void measure(const Options& options, const Counts& counts, Engine& engine) {
  std::this_thread::sleep_for(std::chrono::seconds(options.warmup));
  for (unsigned round = 0; round < options.rounds; ++round) {
    const std::uint64_t completed = counts.completed, failed = counts.failed, bytes = counts.bytes;
    const auto begun = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::seconds(options.seconds));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf("{\"connections_per_s\": %.0f, \"gbit_per_s\": %.3f, \"failed\": %llu}\n",
                static_cast<double>(counts.completed - completed) / seconds, static_cast<double>(counts.bytes - bytes) * 8e-9 / seconds,
                static_cast<unsigned long long>(counts.failed - failed));
    std::fflush(stdout);
  }
  engine.stop();
}

int failed(const Error& error) {
  std::fprintf(stderr, "engine_client: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const auto server = Endpoint::parse(options.server);
  if (!server) return failed(server.error());

  Config config;
  config.dpdk.instance = options.instance;
  config.dpdk.lcores = options.lcores;
  config.dpdk.hugepages = options.hugepages ? Hugepages::kOn : Hugepages::kOff;
  config.drain_s = 0;
  config.tcp.msl_ms = 250;
  config.tcp.max_connections = 100'000;
  config.tcp.buffers = 32'768;
  PortConfig port;
  port.name = "bench";
  port.device = options.device;
  for (unsigned i = 0; i < kAddresses; ++i) {
    port.addresses.push_back(InterfaceAddress::parse("10.78.0." + std::to_string(100 + i) + "/24").value());
  }
  config.ports.push_back(port);
  auto engine = Engine::create(config);
  if (!engine) return failed(engine.error());

  Counts counts;
  ServiceConfig service;
  service.name = "client";
  const auto added = (*engine)->add_service(service, [&](unsigned) { return std::make_unique<Client>(options, *server, counts); });
  if (!added) return failed(added.error());
  std::thread watch;
  const auto ran = (*engine)->run([&] { watch = std::thread([&] { measure(options, counts, **engine); }); });
  if (watch.joinable()) watch.join();
  while (ran && std::getchar() != EOF) {}
  return ran ? 0 : failed(ran.error());
}
