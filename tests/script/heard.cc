// SPDX-License-Identifier: BSD-3-Clause
#include "script/heard.h"

#include <algorithm>

namespace sluice::script {

namespace {

constexpr std::size_t kL3 = 14;

std::uint32_t be16(std::span<const std::uint8_t> b, std::size_t i) { return b[i] * 256U + b[i + 1]; }
std::uint32_t be32(std::span<const std::uint8_t> b, std::size_t i) { return be16(b, i) << 16U | be16(b, i + 2); }

class Reader {
 public:
  Reader(std::span<const std::uint8_t> frame, std::string& defects) : frame_(frame), defects_(defects) {}

  Heard read() {
    const std::uint32_t type = be16(frame_, 12);
    const std::size_t l4 = type == 0x0800 ? ipv4() : ipv6();
    if (l4 != 0) tcp(frame_.subspan(l4));
    return heard_;
  }

 private:
  void must(bool holds, const char* what) {
    if (!holds) defects_ += std::string(what) + "\n";
  }

  std::size_t ipv4() {
    const auto ip = frame_.subspan(kL3);
    must(ip.size() >= 40, "IPv4 packet is cut off");
    if (ip.size() < 40) return 0;
    must(ip[0] == 0x45, "IPv4 header is not version 4 with 20 bytes");
    must(be16(ip, 2) == ip.size(), "IPv4 total length is not the frame's");
    must((be16(ip, 6) & 0xbfffU) == 0, "IPv4 fragment, or the reserved bit");
    must((be16(ip, 6) & 0x4000U) != 0, "IPv4 without DF");
    must(ip[9] == 6, "IPv4 protocol is not TCP");
    must(ones_sum(ip.first(20)) == 0xffff, "IPv4 header checksum");
    heard_.ttl = ip[8];
    heard_.dscp = ip[1] >> 2U;
    heard_.ecn = ip[1] & 3U;
    heard_.ip_id = static_cast<std::uint16_t>(be16(ip, 4));
    heard_.src = IpAddress::v4(ip[12], ip[13], ip[14], ip[15]);
    heard_.dst = IpAddress::v4(ip[16], ip[17], ip[18], ip[19]);
    must(ones_sum(ip.subspan(20), pseudo(ip, 6, static_cast<std::uint32_t>(ip.size() - 20))) == 0xffff, "TCP checksum");
    return kL3 + 20;
  }

  std::size_t ipv6() {
    const auto ip = frame_.subspan(kL3);
    must(ip.size() >= 60, "IPv6 packet is cut off");
    if (ip.size() < 60) return 0;
    must(ip[0] >> 4U == 6, "IPv6 version");
    must(be16(ip, 4) + 40 == ip.size(), "IPv6 payload length is not the frame's");
    must(ip[6] == 6, "IPv6 next header is not TCP");
    heard_.ttl = ip[7];
    heard_.dscp = be16(ip, 0) >> 6U & 0x3fU;
    heard_.ecn = be16(ip, 0) >> 4U & 3U;
    heard_.flow_label = be32(ip, 0) & 0xfffffU;
    std::copy_n(ip.begin() + 8, 16, heard_.src.bytes.begin());
    std::copy_n(ip.begin() + 24, 16, heard_.dst.bytes.begin());
    must(ones_sum(ip.subspan(40), pseudo(ip, 6, static_cast<std::uint32_t>(ip.size() - 40))) == 0xffff, "TCP checksum");
    return kL3 + 40;
  }

  void tcp(std::span<const std::uint8_t> t) {
    heard_.src_port = static_cast<std::uint16_t>(be16(t, 0));
    heard_.dst_port = static_cast<std::uint16_t>(be16(t, 2));
    heard_.seq = be32(t, 4);
    heard_.ack = be32(t, 8);
    heard_.flags = t[13];
    heard_.win = static_cast<std::uint16_t>(be16(t, 14));
    const std::size_t header = (t[12] >> 4U) * 4U;
    must(header >= 20 && header <= t.size(), "TCP data offset");
    if (header < 20 || header > t.size()) return;
    must((t[12] & 0x0fU) == 0, "reserved bits of the TCP header");
    must(be16(t, 18) == 0, "urgent pointer without URG");
    must((heard_.flags & URG) == 0, "URG");
    must((heard_.flags & (SYN | RST | ACK)) != 0, "neither SYN, RST nor ACK");
    must((heard_.flags & SYN) == 0 || (heard_.flags & (FIN | RST)) == 0, "SYN with FIN or RST");
    must((heard_.flags & ACK) != 0 || heard_.ack == 0, "acknowledgment number without ACK");
    heard_.data.assign(t.begin() + static_cast<std::ptrdiff_t>(header), t.end());
    must(heard_.ecn == 0 || (heard_.ecn == 2 && !heard_.data.empty()), "ECT(1), CE, or ECT without data");
    must((heard_.flags & RST) == 0 || (heard_.flags & (ECE | CWR)) == 0, "RST with ECE or CWR");
    tcp_options(t.subspan(20, header - 20));
    const bool fast = (heard_.flags & ACK) == 0 && !heard_.fast_open.value_or("").empty();
    must((heard_.flags & (RST | SYN)) == 0 || heard_.data.empty() || fast, "RST or SYN with data");
  }

  void tcp_options(std::span<const std::uint8_t> o) {
    const bool syn = (heard_.flags & SYN) != 0;
    std::size_t i = 0;
    unsigned padding = 0;
    while (i < o.size()) {
      if (o[i] == 1) {
        ++i;
        ++padding;
        continue;
      }
      must(o[i] != 0, "end-of-options where NOPs pad");
      if (o[i] == 0) return;
      must(i + 1 < o.size() && o[i + 1] >= 2 && i + o[i + 1] <= o.size(), "option is cut off");
      if (i + 1 >= o.size() || o[i + 1] < 2 || i + o[i + 1] > o.size()) return;
      option(o[i], o.subspan(i + 2, o[i + 1] - 2U), syn);
      i += o[i + 1];
    }
    must(padding <= 6, "more NOPs than alignment needs");
  }

  void option(std::uint8_t kind, std::span<const std::uint8_t> o, bool syn) {
    switch (kind) {
      case 2:
        must(syn && o.size() == 2 && !heard_.mss, "MSS option");
        if (o.size() == 2) heard_.mss = static_cast<std::uint16_t>(be16(o, 0));
        break;
      case 3:
        must(syn && o.size() == 1 && !heard_.wscale && o[0] <= 14, "window scale option");
        if (o.size() == 1) heard_.wscale = o[0];
        break;
      case 4:
        must(syn && o.empty() && !heard_.sack_permitted, "SACK-permitted option");
        heard_.sack_permitted = true;
        break;
      case 5:
        must(!syn && !o.empty() && o.size() % 8 == 0 && heard_.sack.empty(), "SACK option");
        for (std::size_t i = 0; i + 8 <= o.size(); i += 8) {
          heard_.sack.emplace_back(be32(o, i), be32(o, i + 4));
          must(be32(o, i + 4) - be32(o, i) - 1 < 0x7fffffffU, "empty or inverted SACK block");
        }
        break;
      case 8:
        must(o.size() == 8 && !heard_.tsval, "timestamps option");
        if (o.size() == 8) {
          heard_.tsval = be32(o, 0);
          heard_.tsecr = be32(o, 4);
        }
        break;
      case 34:
        must(syn && o.size() % 2 == 0 && (o.empty() || (o.size() >= 4 && o.size() <= 16)) && !heard_.fast_open,
             "Fast Open option");
        heard_.fast_open = std::string(o.begin(), o.end());
        break;
      default: must(false, "unknown TCP option");
    }
  }

  std::span<const std::uint8_t> frame_;
  std::string& defects_;
  Heard heard_;
};

}  // namespace

Ether kind_of(std::span<const std::uint8_t> frame) {
  if (frame.size() < 34) return Ether::kOther;
  switch (be16(frame, 12)) {
    case 0x0806: return Ether::kArp;
    case 0x0800: return frame[kL3 + 9] == 6 ? Ether::kTcp : frame[kL3 + 9] == 1 ? Ether::kIcmp : Ether::kOther;
    case 0x86dd: return frame[kL3 + 6] == 6 ? Ether::kTcp : frame[kL3 + 6] == 58 ? Ether::kIcmp : Ether::kOther;
    default: return Ether::kOther;
  }
}

Heard hear(std::span<const std::uint8_t> frame, std::string& defects) { return Reader(frame, defects).read(); }

std::uint16_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t start) {
  std::uint64_t sum = start;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

std::uint32_t pseudo(std::span<const std::uint8_t> l3, std::uint8_t protocol, std::uint32_t len) {
  const bool v4 = l3[0] >> 4U == 4;
  const auto addresses = v4 ? l3.subspan(12, 8) : l3.subspan(8, 32);
  return ones_sum(addresses) + protocol + (len >> 16U) + (len & 0xffffU);
}

void fix_checksums(Frame& frame, std::size_t l4) {
  const std::span<std::uint8_t> all(frame);
  const auto ip = all.subspan(kL3);
  const bool v4 = ip[0] >> 4U == 4;
  if (v4) {
    const std::size_t header = (ip[0] & 0x0fU) * 4U;
    ip[10] = ip[11] = 0;
    const auto sum = static_cast<std::uint16_t>(~ones_sum(ip.first(std::min(header, ip.size()))));
    ip[10] = static_cast<std::uint8_t>(sum >> 8U);
    ip[11] = static_cast<std::uint8_t>(sum);
  }
  const auto tcp = all.subspan(l4);
  tcp[16] = tcp[17] = 0;
  const auto sum = static_cast<std::uint16_t>(~ones_sum(tcp, pseudo(ip, 6, static_cast<std::uint32_t>(tcp.size()))));
  tcp[16] = static_cast<std::uint8_t>(sum >> 8U);
  tcp[17] = static_cast<std::uint8_t>(sum);
}

}  // namespace sluice::script
