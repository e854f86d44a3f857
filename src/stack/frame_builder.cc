// SPDX-License-Identifier: BSD-3-Clause
#include "stack/frame_builder.h"

#include <algorithm>
#include <cstring>

#include "base/frame.h"
#include "wire/checksum.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

namespace sluice::stack {

namespace {

wire::TcpOptions options_of(const tcp::OutSegment& segment) noexcept {
  wire::TcpOptions options;
  options.has_mss = (segment.options & tcp::kOptMss) != 0;
  options.mss = segment.mss;
  options.has_wscale = (segment.options & tcp::kOptWscale) != 0;
  options.wscale = segment.wscale;
  options.sack_permitted = (segment.options & tcp::kOptSackPermitted) != 0;
  options.has_ts = (segment.options & tcp::kOptTimestamps) != 0;
  options.tsval = segment.tsval;
  options.tsecr = segment.tsecr;
  options.has_fast_open = (segment.options & tcp::kOptFastOpen) != 0;
  options.fast_open = segment.fast_open;
  options.fast_open_len = segment.fast_open_len;
  options.n_sack = (segment.options & tcp::kOptSack) != 0 ? segment.n_sack : 0;
  std::copy_n(segment.sack, options.n_sack, options.sack);
  return options;
}

struct Written {
  std::size_t len;     // bytes, a multiple of 4
  wire::CsumSum sum;
};

// Not timestamps alone, and not none: a SYN|ACK's, or with blocks.
[[gnu::noinline]] Written write_rare_options(std::uint8_t* out, const tcp::OutSegment& segment) noexcept {
  std::size_t len = 0;
  if ((segment.options & tcp::kOptMss) != 0 && (segment.options & (tcp::kOptSack | tcp::kOptFastOpen)) == 0) {
    const auto has = [&](unsigned option) { return (segment.options & option) != 0; };
    len = wire::write_syn_options(out, {true, has(tcp::kOptTimestamps), has(tcp::kOptSackPermitted), has(tcp::kOptWscale), segment.mss,
                                        segment.wscale, segment.tsval, segment.tsecr});
  } else {
    len = wire::write_tcp_options(out, options_of(segment));
  }
  return {len, wire::sum_words(out, len)};
}

[[gnu::always_inline]] inline Written write_options(std::uint8_t* out, const tcp::OutSegment& segment) noexcept {
  if (segment.options == 0) return {0, 0};
  if (segment.options == tcp::kOptTimestamps) [[likely]] {
    return {wire::kTcpTimestampsPadded, wire::write_timestamps(out, segment.tsval, segment.tsecr)};
  }
  return write_rare_options(out, segment);
}

// RFC 6437: the same for all packets of a flow, different between flows.
std::uint32_t flow_label(const tcp::FlowId& flow) noexcept {
  std::uint64_t low = 0;
  std::memcpy(&low, flow.remote.bytes.data() + 8, sizeof(low));
  const std::uint64_t mixed = (low ^ (std::uint64_t{flow.remote_port} << 16U | flow.local_port)) * 0x9e3779b97f4a7c15ULL;
  return static_cast<std::uint32_t>(mixed >> 44U);
}

// Calls visit(owner, data, len) for each stretch of the payload.
template <typename Visit>
void for_each_piece(const tcp::OutSegment& segment, Visit&& visit) noexcept {
  std::uint32_t offset = segment.chunk_offset;
  std::uint32_t left = segment.len;
  for (Buf* chunk = segment.chunk; left != 0; chunk = chunk->next) {
    const std::uint32_t n = std::min(left, chunk->len - offset);
    visit(chunk, chunk->data + offset, n);
    left -= n;
    offset = 0;
  }
}

// Copies the payload behind the headers; returns its sum.
wire::CsumSum copy_payload(Buf& frame, const tcp::OutSegment& segment, bool want_sum) noexcept {
  wire::CsumSum sum = 0;
  std::size_t done = 0;
  for_each_piece(segment, [&](Buf*, const std::uint8_t* data, std::uint32_t n) {
    if (want_sum) {
      sum = wire::combine(sum, wire::copy_and_sum(frame.end(), data, n), done);
    } else {
      std::memcpy(frame.end(), data, n);
    }
    frame.len += n;
    done += n;
  });
  return sum;
}

// Refers to the payload where it lies; returns its sum.
wire::CsumSum refer_to_payload(Buf& frame, const tcp::OutSegment& segment, bool want_sum, BufPool& bufs) noexcept {
  wire::CsumSum sum = 0;
  std::size_t done = 0;
  Fragment* fragment = frame.fragments();
  for_each_piece(segment, [&](Buf* owner, const std::uint8_t* data, std::uint32_t n) {
    if (want_sum) sum = wire::combine(sum, wire::sum_bytes(data, n), done);
    bufs.retain(owner);
    *fragment++ = {owner, data, n};
    ++frame.n_fragments;
    done += n;
  });
  return sum;
}

// The payload behind the headers, by copy or by reference; returns its sum. Most segments of short connections have none.
[[gnu::noinline]] wire::CsumSum add_payload(Buf& frame, const tcp::OutSegment& segment, const FrameOrigin& from, BufPool& bufs) noexcept {
  const bool want_sum = (from.tx_flags & kTxTcpCsum) == 0;
  const bool gather = from.gathers && segment.len > kCopyBreak;
  return wire::fold(gather ? refer_to_payload(frame, segment, want_sum, bufs) : copy_payload(frame, segment, want_sum));
}

// In line twice: what differs between the families is not asked time and again.
template <bool kV4>
[[gnu::always_inline]] inline Buf* build(const tcp::OutSegment& segment, const tcp::FlowId& flow, tcp::IpFields ip, const FrameOrigin& from,
                                         std::uint16_t ip_id, BufPool& bufs) noexcept {
  Buf* frame = bufs.take();
  if (frame == nullptr) [[unlikely]] return nullptr;
  const wire::FrameTemplate& head = from.head;
  // Read before the frame is written: as far as the compiler knows a byte of it may lie anywhere.
  const std::uint16_t l2_len = head.l2_len();
  constexpr std::size_t kL3 = wire::l3_size(kV4);
  const std::uint32_t payload_len = segment.len;
  std::uint8_t* const start = frame->data;
  std::uint8_t* const tcp = start + l2_len + kL3;

  const Written options = write_options(tcp + wire::kTcpHeader, segment);
  const std::size_t tcp_len = wire::kTcpHeader + options.len;
  wire::FrameTemplate::Fields fields;
  fields.payload_len = static_cast<std::uint16_t>(tcp_len + payload_len);
  fields.ip_id = ip_id;
  fields.ttl = ip.ttl;
  fields.tos = static_cast<std::uint8_t>(ip.dscp << wire::kDscpShift | (segment.ect ? wire::kEcnEct0 : 0U));
  if constexpr (!kV4) fields.flow_label = flow_label(flow);
  const wire::CsumSum pseudo = head.write<kV4>(start, flow.remote, fields);
  const wire::TcpHeader header{flow.local_port, flow.remote_port, segment.seq, segment.ack, segment.flags, segment.wnd, 0};
  wire::CsumSum sum = header.write(tcp, options.len) + pseudo + options.sum;

  const auto len = static_cast<std::uint32_t>(l2_len + kL3 + tcp_len);
  frame->len = len;
  frame->flags = from.tx_flags;
  frame->l2_len = l2_len;
  frame->l3_len = kL3;
  frame->len_total = len + payload_len;

  if (payload_len != 0) sum += add_payload(*frame, segment, from, bufs);
  if ((from.tx_flags & kTxTcpCsum) != 0) {
    wire::store_partial_sum(tcp + wire::kTcpChecksumOffset, pseudo);
  } else {
    wire::store_checksum(tcp + wire::kTcpChecksumOffset, sum);
  }
  return frame;
}

}  // namespace

Buf* build_frame(const tcp::OutSegment& segment, const tcp::FlowId& flow, tcp::IpFields ip, const FrameOrigin& from,
                 std::uint16_t ip_id, BufPool& bufs) noexcept {
  return from.head.is_v4() ? build<true>(segment, flow, ip, from, ip_id, bufs) : build<false>(segment, flow, ip, from, ip_id, bufs);
}

}  // namespace sluice::stack
