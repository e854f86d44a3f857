// SPDX-License-Identifier: BSD-3-Clause
// The DPDK port over net_ring, which passes the very mbufs on, and net_null.
#include "port/dpdk/ethdev_port.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <utility>

#include "dpdk_test.h"
#include "port/pcap_port.h"

namespace sluice::port {
namespace {

class EthdevPort : public DpdkTest {
 protected:
  EthdevPort() : dir_(std::filesystem::temp_directory_path() / ("sluice-dpdk-" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(dir_);
  }
  ~EthdevPort() override { std::filesystem::remove_all(dir_); }

  std::string capture(const char* name, const std::vector<std::pair<std::size_t, Instant>>& frames) const {
    auto writer = PcapWriter::open(dir_ / name, kOrigin);
    std::uint8_t fill = 0;
    for (const auto& [len, at] : frames) (*writer)->write(std::vector<std::uint8_t>(len, ++fill), at);
    EXPECT_TRUE((*writer)->close().ok());
    return dir_ / name;
  }
  std::string empty_capture() const { return capture("empty.pcap", {}); }

  static constexpr std::int64_t kOrigin = 1'700'000'000'123'456;  // us since 1970
  std::filesystem::path dir_;
};

TEST_F(EthdevPort, WhatIsSentComesBackThroughARing) {
  auto port = open(config("net_ring0"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  EXPECT_EQ((*port)->name(), "front");
  EXPECT_TRUE((*port)->capabilities().multi_segment);
  EXPECT_EQ((*port)->capabilities().queues, 1);
  EXPECT_FALSE((*port)->capabilities().rss);
  EXPECT_TRUE((*port)->link_up());
  BufPool pool(*buffers_);
  std::array<Buf*, 2> out{frame(pool, 60, 1), frame(pool, 1514, 2)};
  const std::string first = bytes(out[0]);
  const std::string second = bytes(out[1]);
  ASSERT_EQ((*port)->transmit(0, out, pool, Instant{}), 2U);
  pool.disown();
  pool.disown();
  const auto in = receive_all(**port, pool);
  ASSERT_EQ(in.size(), 2U);
  EXPECT_EQ(bytes(in[0]), first);
  EXPECT_EQ(bytes(in[1]), second);
  EXPECT_EQ(in[0]->refs, 1);
  EXPECT_EQ(in[0]->flags, 0);
  EXPECT_EQ(in[0]->port, 2);
  EXPECT_EQ(in[0]->n_fragments, 0);
  EXPECT_GE(in[0]->room_len, kBufRoom);
  const PortStats stats = (*port)->stats();
  EXPECT_EQ(stats.rx_frames, 2U);
  EXPECT_EQ(stats.tx_frames, 2U);
  EXPECT_EQ(stats.device, "net_ring0");
  for (Buf* buf : in) pool.release(buf);
}

TEST_F(EthdevPort, SmallPayloadIsCopiedAndItsOwnerFreeAtOnce) {
  auto port = open(config("net_ring0"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  BufPool pool(*buffers_);
  Buf* payload = frame(pool, 1000, 7);
  Buf* out = frame(pool, 54, 1);
  add_fragment(pool, out, payload, 10, kCopyBreak / 2);
  add_fragment(pool, out, payload, 500, kCopyBreak - kCopyBreak / 2);
  const std::string expected =
      bytes(out) + bytes(payload).substr(10, kCopyBreak / 2) + bytes(payload).substr(500, kCopyBreak - kCopyBreak / 2);
  ASSERT_EQ((*port)->transmit(0, std::span(&out, 1), pool, Instant{}), 1U);
  pool.disown();
  EXPECT_EQ(payload->refs, 1);
  EXPECT_EQ(payload->flags & kLent, 0);
  EXPECT_EQ(buffers_->fragments_outstanding(), 0U);
  const auto in = receive_all(**port, pool);
  ASSERT_EQ(in.size(), 1U);
  EXPECT_EQ(bytes(in[0]), expected);
  pool.release(in[0]);
  pool.release(payload);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(EthdevPort, ALargePayloadIsLentUncopiedAndSentAgainWhileTheDeviceHoldsTheFirst) {
  auto port = open(config("net_ring0"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  BufPool pool(*buffers_);
  Buf* payload = frame(pool, 1400, 7);
  std::string expected;
  for (int i = 0; i < 2; ++i) {  // the transmission, and its repetition
    Buf* out = frame(pool, 54, 1);
    add_fragment(pool, out, payload, 0, 700);
    add_fragment(pool, out, payload, 700, 700);
    expected = bytes(out) + bytes(payload);
    ASSERT_EQ((*port)->transmit(0, std::span(&out, 1), pool, Instant{}), 1U);
    pool.disown();
  }
  EXPECT_EQ(payload->refs, 1);
  EXPECT_NE(payload->flags & kLent, 0);
  EXPECT_EQ(buffers_->fragments_outstanding(), 4U);
  // Acknowledged: the shard lets go of it while both frames are still in the ring.
  pool.release(payload);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_GE(buffers_->outstanding(), 3U) << "the device's references keep the memory";
  // Nothing taken now may be the memory that the device still reads.
  std::vector<Buf*> others;
  for (int i = 0; i < 200; ++i) {
    others.push_back(frame(pool, 1400, 99));
    ASSERT_NE(others.back(), payload);
  }
  const auto in = receive_all(**port, pool);
  ASSERT_EQ(in.size(), 2U);
  EXPECT_EQ(bytes(in[0]), expected);
  EXPECT_EQ(bytes(in[1]), expected);
  EXPECT_EQ(buffers_->fragments_outstanding(), 0U);
  for (Buf* buf : in) pool.release(buf);
  for (Buf* buf : others) pool.release(buf);
}

TEST_F(EthdevPort, WhatTheDeviceDoesNotTakeStaysTheCallersWithItsFragments) {
  auto port = open(config("net_ring0"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  BufPool pool(*buffers_);
  Buf* payload = frame(pool, 1000, 7);
  std::size_t sent = 0;
  Buf* left = nullptr;
  while (left == nullptr && sent < 2000) {
    Buf* out = frame(pool, 54, 1);
    if (sent >= 1000) add_fragment(pool, out, payload, 0, 1000);
    if ((*port)->transmit(0, std::span(&out, 1), pool, Instant{}) == 1) {
      pool.disown();
      ++sent;
    } else {
      left = out;
    }
  }
  EXPECT_EQ(sent, 1023U) << "a ring of 1024 holds one less";
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->n_fragments, 1);
  EXPECT_EQ(left->refs, 1);
  EXPECT_EQ(payload->refs, 2) << "the caller's own and the frame's";
  EXPECT_EQ(buffers_->fragments_outstanding(), 23U);
  const auto in = receive_all(**port, pool);
  EXPECT_EQ(in.size(), 1023U);
  const std::string expected = bytes(left) + bytes(payload);
  ASSERT_EQ((*port)->transmit(0, std::span(&left, 1), pool, Instant{}), 1U) << "offered again, it goes";
  pool.disown();
  const auto last = receive_all(**port, pool);
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(bytes(last[0]), expected);
  for (Buf* buf : in) pool.release(buf);
  pool.release(last[0]);
  pool.release(payload);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(EthdevPort, WithoutFragmentMbufsPayloadIsCopied) {
  auto port = open(config("net_ring0"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  BufPool pool(*buffers_);
  Buf* payload = frame(pool, 1000, 7);
  std::vector<Buf*> outs;
  for (std::size_t i = 0; i < 100; ++i) {  // of eleven fragments each: more than there are
    Buf* out = frame(pool, 54, 1);
    for (std::uint32_t f = 0; f < 11; ++f) add_fragment(pool, out, payload, f * 90, 90);
    outs.push_back(out);
  }
  const std::string expected = bytes(outs[0]) + bytes(payload).substr(0, 990);
  ASSERT_EQ((*port)->transmit(0, outs, pool, Instant{}), 100U);
  for (std::size_t i = 0; i < 100; ++i) pool.disown();
  EXPECT_EQ(payload->refs, 1);
  EXPECT_GT(buffers_->fragments_outstanding(), kFragments / 2);
  const auto in = receive_all(**port, pool);
  ASSERT_EQ(in.size(), 100U);
  for (Buf* buf : in) {
    EXPECT_EQ(bytes(buf), expected);
    pool.release(buf);
  }
  pool.release(payload);
}

TEST_F(EthdevPort, AFrameThatFitsNoBufferIsDroppedAndCountedAndTheRestGoesOn) {
  // Takes one segment only.
  auto port = open(config("net_pcap0,rx_pcap=" + empty_capture() + ",tx_pcap=/dev/null"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  BufPool pool(*buffers_);
  Buf* payload = frame(pool, 1500, 7);
  std::array<Buf*, 2> outs{frame(pool, 1500, 1), frame(pool, 60, 1)};
  add_fragment(pool, outs[0], payload, 0, 1000);
  const std::size_t done = (*port)->transmit(0, outs, pool, Instant{});
  ASSERT_EQ(done, 1U);
  EXPECT_EQ((*port)->transmit(0, std::span(outs).last(1), pool, Instant{}), 1U);
  pool.disown();
  pool.disown();
  EXPECT_EQ(payload->refs, 1);
  EXPECT_EQ((*port)->stats().tx_dropped, 1U);
  pool.release(payload);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST_F(EthdevPort, AFrameWithoutABufferToCopyItIntoIsCountedAndLost) {
  auto port = open(config("net_ring0"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  BufPool pool(*buffers_);
  Buf* payload = frame(pool, 1000, 7);
  Buf* out = frame(pool, 54, 1);
  add_fragment(pool, out, payload, 0, 1000);
  ASSERT_EQ((*port)->transmit(0, std::span(&out, 1), pool, Instant{}), 1U);
  pool.disown();
  std::vector<Buf*> hoard;
  while (Buf* buf = pool.take()) hoard.push_back(buf);
  EXPECT_EQ(hoard.size(), kBuffers - 2);
  EXPECT_EQ(pool.exhausted(), 1U);
  EXPECT_EQ(receive_all(**port, pool).size(), 0U);
  EXPECT_EQ((*port)->stats().rx_no_buffer, 1U);
  for (Buf* buf : hoard) pool.release(buf);
  pool.release(payload);
}

TEST_F(EthdevPort, FramesOfACaptureCarryItsClock) {
  auto port = open(config(
      "net_pcap0,rx_pcap=" + capture("in.pcap", {{60, Instant{0}}, {1514, Instant{0} + Duration::seconds(7200)}}) +
      ",tx_pcap=/dev/null"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  EXPECT_FALSE((*port)->capabilities().multi_segment);
  BufPool pool(*buffers_);
  const auto in = receive_all(**port, pool);
  ASSERT_EQ(in.size(), 2U);
  EXPECT_EQ((*port)->capture_time_us(in[0]), kOrigin);
  EXPECT_EQ((*port)->capture_time_us(in[1]), kOrigin + 7'200'000'000);
  EXPECT_EQ(in[1]->len, 1514U);
  for (Buf* buf : in) pool.release(buf);
}

TEST_F(EthdevPort, ADeviceOfOneSegmentGetsACopyInOnePiece) {
  const std::string out = dir_ / "out.pcap";
  std::string expected;
  {
    auto port = open(config("net_pcap0,rx_pcap=" + empty_capture() + ",tx_pcap=" + out));
    ASSERT_TRUE(port.ok()) << port.error().message;
    BufPool pool(*buffers_);
    Buf* payload = frame(pool, 1400, 7);
    Buf* sent = frame(pool, 54, 1);
    add_fragment(pool, sent, payload, 0, 1400);
    expected = bytes(sent) + bytes(payload);
    ASSERT_EQ((*port)->transmit(0, std::span(&sent, 1), pool, Instant{}), 1U);
    pool.disown();
    EXPECT_EQ(payload->flags & kLent, 0);
    pool.release(payload);
    EXPECT_EQ(pool.in_use(), 0U);
  }
  auto reader = PcapReader::open(out);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  const auto written = (*reader)->next();
  ASSERT_TRUE(written.ok() && written->has_value());
  EXPECT_EQ(std::string((*written)->bytes.begin(), (*written)->bytes.end()), expected);
}

TEST_F(EthdevPort, EveryShardGetsNoMoreThanOneQueueWhereTheDeviceCannotSpread) {
  for (const char* device : {"net_ring0", "net_null0"}) {
    auto port = open(config(device), 2);
    ASSERT_TRUE(port.ok()) << port.error().message;
    EXPECT_EQ((*port)->capabilities().queues, 1);
    EXPECT_FALSE((*port)->capabilities().rss);
    EXPECT_FALSE((*port)->capabilities().rx_hash);
  }
}

TEST_F(EthdevPort, AConfiguredMacIsThePorts) {
  PortConfig c = config("net_null0");
  c.mac = "02:00:00:00:77:01";
  auto port = open(c);
  ASSERT_TRUE(port.ok()) << port.error().message;
  EXPECT_EQ((*port)->mac(), (MacAddress{2, 0, 0, 0, 0x77, 1}));
}

TEST_F(EthdevPort, EveryDeviceErrorIsOneClearLine) {
  const auto expect = [&](PortConfig c, const std::string& want, unsigned shards = 1) {
    const std::string said = error_of(c, shards);
    EXPECT_NE(said.find(want), std::string::npos) << said;
    EXPECT_NE(said.find(" port.front (device \"" + c.device + "\"): "), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
    EXPECT_NE(said.find_first_of(";,"), std::string::npos) << "no remedy: " << said;
  };
  expect(config("net_nosuch0"), "ENODEV");
  expect(config("net_af_packet0,iface=nosuch0"), "there is no interface \"nosuch0\"");
  expect(config("net_af_xdp0,iface=nosuch0"), "there is no interface \"nosuch0\"");
  expect(config("net_pcap0,rx_iface=nosuch0"), "there is no interface \"nosuch0\"");
  expect(config("net_pcap0,rx_pcap=/nosuch.pcap,tx_pcap=/dev/null"), "there is no file \"/nosuch.pcap\"");
  expect(config("ffff:ff:1f.7"), "there is no PCI device");
  expect(config("FFFF:FF:1F.7,queues=4"), "there is no PCI device");
  expect(config("net_null0,nosuch=1"), "ENODEV");

  PortConfig c = config("net_null0");
  c.rss = RssMode::kHardware;
  expect(c, "EINVAL", 2);
  expect(c, "rss = \"hardware\"", 2);
  c = config("net_null0");
  c.mac = "01:00:00:00:00:01";
  expect(c, "EINVAL");
  c.mac = "02:00:00:00:00";
  expect(c, "not the address of one station");
  c = config("net_null0");
  c.mtu = 60000;
  expect(c, "mtu = 60000");
}

TEST_F(EthdevPort, ADeviceThatAnotherPortHasIsBusy) {
  auto port = open(config("net_ring0"));
  ASSERT_TRUE(port.ok()) << port.error().message;
  const std::string said = error_of(config("net_ring0"));
  EXPECT_TRUE(said.starts_with("EBUSY port.front (device \"net_ring0\"): the device is in use")) << said;
  EXPECT_TRUE((*port)->link_up()) << "the first port goes on";
}

TEST_F(EthdevPort, AnInterfaceThatAnotherProcessHasIsBusy) {
  const std::string claim = "sluice/net_af_packet/lo";
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::copy(claim.begin(), claim.end(), name.sun_path + 1);
  const int other = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + claim.size());
  ASSERT_EQ(::bind(other, reinterpret_cast<const sockaddr*>(&name), size), 0);
  const std::string said = error_of(config("net_af_packet0,iface=lo"));
  ::close(other);
  EXPECT_TRUE(said.starts_with("EBUSY port.front (device \"net_af_packet0,iface=lo\"): the interface \"lo\" is in use")) << said;
}

}  // namespace
}  // namespace sluice::port
