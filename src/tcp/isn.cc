// SPDX-License-Identifier: BSD-3-Clause
#include <cstring>

#include "tcp/internal.h"

namespace sluice::tcp {

namespace {

std::uint64_t word_of(const IpAddress& address, std::size_t half) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, address.bytes.data() + 8 * half, sizeof(word));
  return word;
}

SipHasher<2, 4> hasher_of(SipKey key, const IpAddress& local) noexcept {
  SipHasher<2, 4> hasher(key);
  hasher.add(word_of(local, 0));
  hasher.add(word_of(local, 1));
  if (local.is_v4()) hasher.add(0);  // as the first half of every IPv4 peer's address
  return hasher;
}

std::uint64_t ports_of(const FlowId& flow) noexcept { return std::uint64_t{flow.local_port} << 16U | flow.remote_port; }

std::uint64_t hash_flow(const SipHasher<2, 4>& begun, const FlowId& flow) noexcept {
  SipHasher<2, 4> hasher = begun;
  if (!flow.remote.is_v4()) hasher.add(word_of(flow.remote, 0));
  hasher.add(word_of(flow.remote, 1));
  hasher.add(ports_of(flow));
  return hasher.finish();
}

}  // namespace

LocalSecrets::LocalSecrets(const Secrets& secrets, const IpAddress& local) noexcept
    : isn(hasher_of(secrets.isn, local)), timestamps(hasher_of(secrets.timestamps, local)) {}

std::uint32_t isn_hash(const LocalSecrets& secrets, const FlowId& flow) noexcept {
  return static_cast<std::uint32_t>(hash_flow(secrets.isn, flow));
}

std::array<std::uint32_t, 4> isn_hashes_v4(const LocalSecrets& secrets, const std::array<const FlowId*, 4>& flows) noexcept {
  SipHasher<2, 4, SipLanes> hasher(secrets.isn);
  const auto address = [](const FlowId& flow) { return word_of(flow.remote, 1); };
  hasher.add(SipLanes{address(*flows[0]), address(*flows[1]), address(*flows[2]), address(*flows[3])});
  hasher.add(SipLanes{ports_of(*flows[0]), ports_of(*flows[1]), ports_of(*flows[2]), ports_of(*flows[3])});
  const SipLanes hashes = hasher.finish();
  return {static_cast<std::uint32_t>(hashes[0]), static_cast<std::uint32_t>(hashes[1]), static_cast<std::uint32_t>(hashes[2]),
          static_cast<std::uint32_t>(hashes[3])};
}

// RFC 6528 3: M, a 4 us clock, plus F of the four-tuple and the secret
SeqNum initial_sequence(std::uint32_t hash, Instant now) noexcept {
  const auto m = static_cast<std::uint32_t>(now.us() / 4);
  return SeqNum(hash + m);
}

SeqNum initial_sequence_above(SeqNum iss, SeqNum last) noexcept {
  return iss.after(last) ? iss : last + 1 + (iss.value() & 0xffffU);
}

// RFC 7323 5.4: an offset a connection keeps the clock, hence the uptime, from being read
std::uint32_t timestamp_offset(const LocalSecrets& secrets, const FlowId& flow) noexcept {
  return static_cast<std::uint32_t>(hash_flow(secrets.timestamps, flow));
}

}  // namespace sluice::tcp
