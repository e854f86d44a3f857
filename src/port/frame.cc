// SPDX-License-Identifier: BSD-3-Clause
#include "port/frame.h"

#include <span>

namespace sluice::port {

namespace {

// RFC 1071 over a stretch of the frame.
std::uint16_t checksum(std::span<const std::uint8_t> bytes) noexcept {
  std::uint32_t sum = 0;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8U) | bytes[i + 1];
  if (i < bytes.size()) sum += static_cast<std::uint32_t>(bytes[i] << 8U);
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

void store16(std::uint8_t* at, std::uint16_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8U);
  at[1] = static_cast<std::uint8_t>(value);
}

// What a device does for kTxIpCsum and kTxTcpCsum. A frame whose header lengths do
// not fit it goes out as it is: so would a device's.
void fill_checksums(const Buf& frame, std::vector<std::uint8_t>& bytes) {
  const std::size_t l3 = frame.l2_len;
  const std::size_t l4 = l3 + frame.l3_len;
  if ((frame.flags & kTxIpCsum) != 0 && l3 + 20 <= l4 && l4 <= bytes.size()) {
    store16(&bytes[l3 + 10], 0);
    store16(&bytes[l3 + 10], checksum(std::span(bytes).subspan(l3, l4 - l3)));
  }
  if ((frame.flags & kTxTcpCsum) != 0 && l4 + 20 <= bytes.size()) {
    store16(&bytes[l4 + 16], checksum(std::span(bytes).subspan(l4)));
  }
}

}  // namespace

void linearise(const Buf& frame, std::vector<std::uint8_t>& out) {
  out.assign(frame.data, frame.end());
  const Fragment* fragments = frame.fragments();
  for (unsigned i = 0; i < frame.n_fragments; ++i) {
    out.insert(out.end(), fragments[i].data, fragments[i].data + fragments[i].len);
  }
  fill_checksums(frame, out);
}

void retire_frame(Buf* frame, BufPool& pool) noexcept {
  pool.adopt(frame);  // the caller disowns it: its share was counted until now
  drop_frame(frame, pool);
}

}  // namespace sluice::port
