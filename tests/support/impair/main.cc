// SPDX-License-Identifier: BSD-3-Clause
// impair --a IF --b IF [options]: joins two interfaces of this namespace as a bad wire would, for kernels without netem.
// Frames go from one to the other and back, delayed, lost, doubled, spoilt, reordered and slowed down as the options and
// a seed say. Prints "ready", runs until SIGTERM or SIGINT, then prints one JSON object with its counters.
//
// Every option but --a, --b, --seed and --slots takes one value for both directions, or two: FROM-A-TO-B,FROM-B-TO-A.
// The interfaces' offloads must be off (ethtool -K IF tx off tso off gso off gro off): what arrives is carried as it is.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include "support/impair/line.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t kSlotBytes = 2048;
constexpr std::uint32_t kRingFrames = 16384;
constexpr std::uint32_t kRingBlock = 1U << 20U;
constexpr std::size_t kBurst = 64;
constexpr int kSendBuffer = 64 << 20;

volatile std::sig_atomic_t stopped = 0;
void on_signal(int) { stopped = 1; }

std::int64_t clock_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

[[noreturn]] void die(const std::string& what) {
  fmt::print(stderr, "impair: {}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

// A packet socket on one interface: a ring that the kernel fills, and sendmmsg.
class Side {
 public:
  explicit Side(const char* interface) : name_(interface), fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) die("packet socket");
    option(PACKET_VERSION, TPACKET_V2);
    option(PACKET_IGNORE_OUTGOING, 1);
    option(PACKET_QDISC_BYPASS, 1);
    setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof(kSendBuffer));
    tpacket_req ring{};
    ring.tp_block_size = kRingBlock;
    ring.tp_frame_size = kSlotBytes;
    ring.tp_frame_nr = kRingFrames;
    ring.tp_block_nr = kRingFrames / (kRingBlock / kSlotBytes);
    if (setsockopt(fd_, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) != 0) die("receive ring");
    void* memory = mmap(nullptr, static_cast<std::size_t>(kRingFrames) * kSlotBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (memory == MAP_FAILED) die("mmap");
    ring_ = static_cast<std::uint8_t*>(memory);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    if (address.sll_ifindex == 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) die(name_);
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

  // Hands at most `most` received frames to the line; how many there were.
  std::size_t receive(Line& line, std::size_t most) {
    std::size_t n = 0;
    for (; n < most; ++n) {
      auto* head = reinterpret_cast<tpacket2_hdr*>(ring_ + static_cast<std::size_t>(next_) * kSlotBytes);
      if ((__atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) break;
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(head) + head->tp_mac;
      if (head->tp_snaplen == head->tp_len) line.take({bytes, head->tp_snaplen}, clock_ns());
      else ++cut_short_;
      __atomic_store_n(&head->tp_status, static_cast<__u32>(TP_STATUS_KERNEL), __ATOMIC_RELEASE);
      next_ = (next_ + 1) % kRingFrames;
    }
    return n;
  }

  // Sends what has arrived on the line by now; how many that were.
  std::size_t send(Line& line, std::int64_t now) {
    std::array<Line::Leaving, kBurst> leaving;
    const std::size_t n = line.arrived(leaving, now);
    std::array<iovec, kBurst> parts;
    std::array<mmsghdr, kBurst> messages{};
    for (std::size_t i = 0; i < n; ++i) {
      parts[i] = {const_cast<std::uint8_t*>(leaving[i].data), leaving[i].len};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      worst_late_ns_ = std::max(worst_late_ns_, now - leaving[i].due_ns);
      late_ += now - leaving[i].due_ns > kLate ? 1 : 0;
    }
    for (std::size_t sent = 0; sent < n;) {
      const int done = sendmmsg(fd_, &messages[sent], static_cast<unsigned>(n - sent), 0);
      if (done > 0) {
        sent += static_cast<std::size_t>(done);
      } else if (errno != EINTR) {  // the interface is down, or its other end takes no more
        ++send_failed_;
        ++sent;
      }
    }
    for (std::size_t i = 0; i < n; ++i) line.done(leaving[i]);
    return n;
  }

  [[nodiscard]] std::uint64_t ring_full() {
    tpacket_stats stats{};
    socklen_t size = sizeof(stats);
    getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
    return stats.tp_drops;
  }
  [[nodiscard]] std::uint64_t send_failed() const { return send_failed_; }
  [[nodiscard]] std::uint64_t cut_short() const { return cut_short_; }
  [[nodiscard]] std::uint64_t late() const { return late_; }
  [[nodiscard]] std::int64_t worst_late_us() const { return worst_late_ns_ / 1000; }

 private:
  static constexpr std::int64_t kLate = 1'000'000;  // a frame is late when it is so much behind its time

  void option(int name, int value) {
    if (setsockopt(fd_, SOL_PACKET, name, &value, sizeof(value)) != 0) die(fmt::format("packet option {}", name));
  }
  std::string name_;
  int fd_;
  std::uint8_t* ring_ = nullptr;
  std::uint32_t next_ = 0;
  std::uint64_t send_failed_ = 0, cut_short_ = 0, late_ = 0;
  std::int64_t worst_late_ns_ = 0;
};

struct Options {
  std::string a, b;
  std::uint64_t seed = 1;
  std::uint32_t slots = 65536;
  std::array<Impairment, 2> directions;
};

[[noreturn]] void usage(const char* wrong) {
  fmt::print(stderr,
             "impair: {}\nusage: impair --a IF --b IF [--seed N] [--slots FRAMES] and, each for both directions or A-TO-B,B-TO-A:\n"
             "  --delay-ms X --jitter-ms X --loss PERCENT --duplicate PERCENT --corrupt PERCENT --reorder PERCENT --reorder-by-ms X\n"
             "  --rate-mbit X --buffer-kb X --lanes N\n", wrong);
  std::exit(2);
}

// "X" or "X,Y", each at least 0.
std::array<double, 2> both(const char* text, double most) {
  char* end = nullptr;
  std::array<double, 2> out{};
  out[0] = out[1] = std::strtod(text, &end);
  if (end != text && *end == ',') {
    const char* second = end + 1;
    out[1] = std::strtod(second, &end);
    if (end == second) usage(text);
  }
  if (end == text || *end != '\0' || !(out[0] >= 0 && out[1] >= 0 && out[0] <= most && out[1] <= most)) usage(text);
  return out;
}

Options parse(int argc, char** argv) {
  static constexpr double kNsPerMs = 1e6;
  static constexpr double kPpmPerPercent = 1e4;
  static constexpr double kMost = 1e9;
  static constexpr double kMostLanes = 1e4;
  Options out;
  static constexpr std::array<option, 15> kLong{{
      {"a", 1, nullptr, 'a'}, {"b", 1, nullptr, 'b'}, {"seed", 1, nullptr, 's'}, {"slots", 1, nullptr, 'q'},
      {"delay-ms", 1, nullptr, 'd'}, {"jitter-ms", 1, nullptr, 'j'}, {"loss", 1, nullptr, 'l'},
      {"duplicate", 1, nullptr, '2'}, {"corrupt", 1, nullptr, 'c'}, {"reorder", 1, nullptr, 'o'},
      {"reorder-by-ms", 1, nullptr, 'h'}, {"rate-mbit", 1, nullptr, 'r'}, {"buffer-kb", 1, nullptr, 'k'}, {"lanes", 1, nullptr, 'n'}, {}}};
  for (int key; (key = getopt_long(argc, argv, "", kLong.data(), nullptr)) != -1;) {
    const auto each = [&](auto member, double scale, double most) {
      const std::array<double, 2> values = both(optarg, most);
      for (std::size_t i = 0; i < 2; ++i) {
        auto& field = out.directions[i].*member;
        field = static_cast<std::remove_reference_t<decltype(field)>>(values[i] * scale + 0.5);
      }
    };
    switch (key) {
      case 'a': out.a = optarg; break;
      case 'b': out.b = optarg; break;
      case 's': out.seed = std::strtoull(optarg, nullptr, 10); break;
      case 'q': out.slots = static_cast<std::uint32_t>(std::strtoul(optarg, nullptr, 10)); break;
      case 'd': each(&Impairment::delay_ns, kNsPerMs, kMost); break;
      case 'j': each(&Impairment::jitter_ns, kNsPerMs, kMost); break;
      case 'l': each(&Impairment::loss_ppm, kPpmPerPercent, 100); break;
      case '2': each(&Impairment::duplicate_ppm, kPpmPerPercent, 100); break;
      case 'c': each(&Impairment::corrupt_ppm, kPpmPerPercent, 100); break;
      case 'o': each(&Impairment::reorder_ppm, kPpmPerPercent, 100); break;
      case 'h': each(&Impairment::reorder_by_ns, kNsPerMs, kMost); break;
      case 'r': each(&Impairment::rate_bps, 1e6, kMost); break;
      case 'k': each(&Impairment::buffer_bytes, 1024, kMost); break;
      case 'n': each(&Impairment::lanes, 1, kMostLanes); break;
      default: usage("no such option");
    }
  }
  const bool no_lane = out.directions[0].lanes == 0 || out.directions[1].lanes == 0;
  if (out.a.empty() || out.b.empty() || optind != argc || out.slots == 0 || no_lane) usage("two interfaces and options");
  return out;
}

std::string report(const Line& line, Side& from, const Side& to) {
  const LineCounts& c = line.counts();
  return fmt::format("{{\"in\": {}, \"out\": {}, \"flying\": {}, \"bytes_out\": {}, \"lost\": {}, \"duplicated\": {}, "
                     "\"corrupted\": {}, \"reordered\": {}, \"overflowed\": {}, \"no_slot\": {}, \"too_long\": {}, "
                     "\"ring_full\": {}, \"send_failed\": {}, \"late\": {}, \"worst_late_us\": {}}}",
                     c.in, c.out, line.flying(), c.bytes_out, c.lost, c.duplicated, c.corrupted, c.reordered, c.overflowed, c.no_slot,
                     c.too_long + from.cut_short(), from.ring_full(), to.send_failed(), to.late(), to.worst_late_us());
}

void run(std::array<Side*, 2> sides, std::array<Line*, 2> lines) {
  std::array<pollfd, 2> waited{{{sides[0]->fd(), POLLIN, 0}, {sides[1]->fd(), POLLIN, 0}}};
  while (stopped == 0) {
    std::size_t did = 0;
    for (std::size_t i = 0; i < 2; ++i) did += sides[i]->receive(*lines[i], kBurst);
    for (std::size_t i = 0; i < 2; ++i) did += sides[1 - i]->send(*lines[i], clock_ns());
    if (did != 0) continue;
    const std::int64_t next = std::min(lines[0]->next_ns(), lines[1]->next_ns());
    timespec wait{0, 200'000'000};  // a signal that came between is noticed then
    const std::int64_t left = next == INT64_MAX ? INT64_MAX : next - clock_ns();
    if (left <= 0) continue;
    if (left < wait.tv_nsec) wait.tv_nsec = left;
    ppoll(waited.data(), waited.size(), &wait, nullptr);
  }
}

}  // namespace
}  // namespace sluice::test

int main(int argc, char** argv) {
  using namespace sluice::test;
  const Options options = parse(argc, argv);
  prctl(PR_SET_TIMERSLACK, 1UL);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);
  Line ab(options.directions[0], options.seed, options.slots, kSlotBytes);
  Line ba(options.directions[1], options.seed + 1, options.slots, kSlotBytes);
  Side a(options.a.c_str());
  Side b(options.b.c_str());
  fmt::print("ready\n");
  std::fflush(stdout);
  run({&a, &b}, {&ab, &ba});
  fmt::print("{{\"ab\": {}, \"ba\": {}}}\n", report(ab, a, b), report(ba, b, a));
  return 0;
}
