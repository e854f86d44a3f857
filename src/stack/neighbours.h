// SPDX-License-Identifier: BSD-3-Clause
// The neighbour cache: who on a link has which Ethernet address, for ARP and neighbour
// discovery alike (states after RFC 4861 7.3.2). Bounded: four places a set, the oldest
// gives way; a few frames wait for an answer, the rest is dropped. Strangers cause so many
// questions a second and no more. Shard thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/buf_pool.h"
#include "base/rng.h"
#include "sluice/config.h"
#include "sluice/time.h"
#include "stack/address_hash.h"
#include "stack/rate_limit.h"
#include "wire/bytes.h"

namespace sluice::stack {

struct NeighbourCounters {
  std::uint64_t solicitations = 0, limited = 0, learned = 0, evicted = 0, failed = 0;
  std::uint64_t refused = 0;          // news that were not believed
  std::uint64_t waiting_dropped = 0;  // frames that waited in vain or found no room to wait
};

class Neighbours {
 public:
  enum class State : std::uint8_t { kFree, kIncomplete, kReachable, kProbe };

  struct Entry {
    IpAddress ip;
    wire::MacAddress mac{};
    State state = State::kFree;
    std::uint8_t interface = 0;
    std::uint8_t solicited = 0;   // requests sent in this state
    std::uint8_t n_waiting = 0;
    bool fixed = false;           // known from elsewhere than the wire: news about it are not believed
    bool ours = false;            // asked about for a connection, or a router
    bool doubted = false;         // its address was changed by a claim, or gives no answer: everybody is asked, not who is there
    Instant since{};              // state entered, or last request sent
    Instant used{};
    Buf* waiting = nullptr;       // frames without a destination MAC yet, in order
  };

  static constexpr Duration kReachable = Duration::seconds(30);
  static constexpr Duration kRetry = Duration::seconds(1);
  // RFC 4861 7.3.3: who became known without an answer to us is asked so much later, while frames go there.
  static constexpr Duration kFirstProbeDelay = Duration::seconds(5);
  static constexpr std::uint8_t kTries = 3;
  static constexpr std::uint8_t kMaxWaiting = 8;
  // New questions that strangers cause, a second and at once: clients of the link may well all come together. Each holds a
  // place for three seconds: together fewer than there are.
  static constexpr std::uint32_t kStrangersPerSecond = 200;
  static constexpr std::uint32_t kStrangersAtOnce = 400;

  // `sets` of four entries each. `confirm`: ask again about entries that nobody
  // spoke of for kReachable; without it (a capture answers no request) they stay as learned.
  Neighbours(std::size_t sets, bool confirm, Rng& rng, BufPool& bufs)
      : entries_(sets * kWays), sets_(sets), confirm_(confirm), rng_(rng), bufs_(bufs) {}
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  // Who has a frame for somebody. A stranger is anybody whose address may be a lie: an unknown one is asked about only
  // at a limited rate. What a connection sends, or goes by a router, is never held up by that.
  enum class Asker : std::uint8_t { kStranger, kOurs };
  // What to do with a frame for `ip`.
  struct Lookup {
    const wire::MacAddress* mac;  // null: call wait()
    Entry* solicit;               // not null: send a request about this entry
    bool limited = false;         // nobody will be asked: drop the frame
  };
  [[nodiscard]] Lookup resolve(std::uint8_t interface, const IpAddress& ip, Instant now, Asker asker = Asker::kOurs) noexcept;
  // The short way: the address, where it is known and nobody need be asked; else null, and resolve() says what to do.
  [[nodiscard]] const wire::MacAddress* known(std::uint8_t interface, const IpAddress& ip, Instant now) noexcept {
    // Nearly always the same gateway: its place is looked at first, and says itself whether it is still that.
    Entry* entry = last_known_;
    if (entry->interface != interface || entry->ip != ip) {
      entry = find(interface, ip);
      if (entry == nullptr) [[unlikely]] return nullptr;
      last_known_ = entry;
    }
    if (!is_sure(*entry, now)) [[unlikely]] return nullptr;
    entry->used = now;
    return &entry->mac;
  }
  // Takes the frame until the address is known.
  void wait(std::uint8_t interface, const IpAddress& ip, Buf* frame) noexcept;

  // How far news about an entry that is known already are believed.
  enum class News : std::uint8_t {
    kOverride,   // an answer, or an advertisement that overrides: the address may change
    kClaim,      // nobody asked: a changed address is taken, and asked about at its next use; the same confirms nothing
    kHint,       // an answer that does not override: a changed address is not taken, the old one asked about
    kRumour,     // both: nobody asked, and it does not override
  };
  // A changed address is not taken so soon after the last news: of several that answer one request the first
  // counts (an ARP reply has nothing to tell the right one by).
  static constexpr Duration kLock = Duration::seconds(1);

  // News about `ip`. `create`: also when nobody asked (RFC 826: a request to us). Returns
  // the frames that waited, for transmission to `mac`.
  [[nodiscard]] Buf* learn(std::uint8_t interface, const IpAddress& ip, const wire::MacAddress& mac, bool create,
                           Instant now, News news = News::kOverride) noexcept;
  // An entry that stays as it is: never changed, asked about, or given up.
  [[nodiscard]] Buf* fix(std::uint8_t interface, const IpAddress& ip, const wire::MacAddress& mac, Instant now) noexcept;

  // Frames to `ip` go unanswered (RFC 9293 3.8.3, R1): the next one asks again who has it.
  void suspect(std::uint8_t interface, const IpAddress& ip) noexcept {
    Entry* entry = find(interface, ip);
    if (entry == nullptr || entry->state != State::kReachable) return;
    entry->since = entry->since - kReachable;
    entry->doubted = true;
  }

  // Whom a request about the entry goes to: RFC 1122 2.3.2.1 and RFC 4861 7.3.3 ask a known one at his address. The last time
  // everybody is asked, before who moved is given up (RFC 7048 3).
  [[nodiscard]] static bool asks_all(const Entry& entry) noexcept {
    return entry.state != State::kProbe || entry.doubted || entry.solicited >= kTries;
  }

  // A solicited answer without an address (RFC 4861 7.2.5): the one that was asked there is right. Who answers everybody's
  // question must name it (7.2.4).
  void confirm(std::uint8_t interface, const IpAddress& ip, Instant now) noexcept;

  struct Ignore {
    void operator()(const Entry&) const noexcept {}
  };
  // Repeats requests that got no answer, by solicit(Entry&), and gives up after kTries, telling failed(Entry&).
  template <typename Solicit, typename Failed = Ignore>
  void on_timer(Instant now, Solicit&& solicit, Failed&& failed = {}) noexcept {
    if (now < next_check_) return;
    next_check_ = Instant::never();
    for (Entry& entry : entries_) {
      if (entry.state != State::kIncomplete && entry.state != State::kProbe) continue;
      if (now - entry.since >= kRetry) {
        if (entry.solicited >= kTries) {
          failed(entry);
          fail(entry);
          continue;
        }
        ++entry.solicited;
        entry.since = now;
        ++counters_.solicitations;
        solicit(entry);
      }
      if (entry.since + kRetry < next_check_) next_check_ = entry.since + kRetry;
    }
  }
  // When on_timer() has something to do.
  [[nodiscard]] Instant next_check() const noexcept { return next_check_; }
  [[nodiscard]] const NeighbourCounters& counters() const noexcept { return counters_; }

 private:
  static constexpr std::size_t kWays = 4;
  [[nodiscard]] Entry* set_of(std::uint8_t interface, const IpAddress& ip) noexcept {
    return &entries_[spread(ip, interface, sets_) * kWays];
  }
  [[nodiscard]] Entry* find(std::uint8_t interface, const IpAddress& ip) noexcept {
    Entry* set = set_of(interface, ip);
    for (std::size_t i = 0; i < kWays; ++i) {
      if (set[i].state != State::kFree && set[i].interface == interface && set[i].ip == ip) return &set[i];
    }
    return nullptr;
  }
  // Its address is known, and it need not be asked again.
  [[nodiscard]] bool is_sure(const Entry& entry, Instant now) const noexcept {
    if (entry.state != State::kReachable) return false;
    return entry.fixed || !confirm_ || now - entry.since <= kReachable;
  }
  [[nodiscard]] Entry* make(std::uint8_t interface, const IpAddress& ip, Instant now) noexcept;
  void claim(Entry& entry, const wire::MacAddress& mac, Instant now) noexcept;
  void fail(Entry& entry) noexcept;
  void check_by(Instant at) noexcept {
    if (at < next_check_) next_check_ = at;
  }

  std::vector<Entry> entries_;   // as many for good
  Entry* last_known_ = entries_.data();
  std::size_t sets_;
  bool confirm_;
  Rng& rng_;
  TokenBucket strangers_{kStrangersPerSecond, kStrangersAtOnce};
  BufPool& bufs_;
  Instant next_check_ = Instant::never();
  NeighbourCounters counters_;
};

}  // namespace sluice::stack
