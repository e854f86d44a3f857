// SPDX-License-Identifier: BSD-3-Clause
// A shard's connections: frames in, frames out, timers, and the calls of the public
// API. It knows no device and no clock: whoever drives it (the engine's loop, a capture,
// a simulation) hands it bursts and Instants and empties its transmit queues.
// One thread, the shard's, for everything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/buf_pool.h"
#include "base/rng.h"
#include "sluice/stats.h"
#include "sluice/listener.h"
#include "stack/conn_table.h"
#include "stack/fast_open_cache.h"
#include "stack/holders.h"
#include "stack/interface.h"
#include "stack/ip_ids.h"
#include "stack/ip_reassembly.h"
#include "stack/listeners.h"
#include "stack/local_ports.h"
#include "stack/mld_reports.h"
#include "stack/neighbours.h"
#include "stack/path_mtu.h"
#include "stack/rate_limit.h"
#include "stack/records.h"
#include "stack/routers.h"
#include "stack/slaac.h"
#include "stack/timer_wheel.h"
#include "tcp/env.h"
#include "tcp/fast_open.h"
#include "tcp/syn_cookie.h"
#include "tcp/tcp.h"
#include "tcp/verdict.h"
#include "wire/packet.h"

namespace sluice::stack {

// What a recorded server chose for a handshake: a replay repeats it, so that the recorded client's ACKs fit.
struct RecordedNumbers {
  SeqNum iss;
  std::uint32_t ts_offset = 0;
};
using Recorded = std::function<std::optional<RecordedNumbers>(const tcp::FlowId& flow, const IpAddress& local, Instant now)>;

struct StackConfig {
  std::uint32_t max_connections = 1024;  // of this shard: full ones, and TIME_WAIT records as many again
  std::uint32_t syn_cache = 1024;        // half-open ones of this shard
  SynCookies syn_cookies = SynCookies::kAuto;
  bool fastopen = false;                 // RFC 7413, both ends
  std::uint32_t fastopen_pending = 256;  // connections of one listener that began so and are not established
  std::uint32_t side_blocks = 0;         // 0: an eighth of max_connections, at least 64
  std::uint32_t send_maps = 0;           // the same
  std::uint32_t msl_ms = 60'000;
  std::size_t buffers = 0;               // this shard's part of all there are; 0: nobody knows
  std::uint32_t rcvbuf = 262144;         // bytes, where a service asks for none in particular
  std::uint32_t sndbuf = 262144;
  bool ecn = false;                      // every connection offers and accepts it
  tcp::IpFields ip{};                    // the same, and of segments that belong to no connection
  std::size_t neighbour_sets = 256;      // of four entries
  std::uint32_t reassembly = 256;        // datagrams put together from fragments at a time
  std::size_t path_sets = 64;            // of four destinations whose path MTU is known; a power of two
  std::uint32_t mtu_searches = 1024;     // connections whose MSS was lowered and may grow again
  bool learn_next_hops = false;          // from every incoming packet, as a capture needs it
  bool prefault = false;
  std::vector<InterfaceConfig> interfaces;
  tcp::Secrets secrets;                  // the same on every shard
  SipKey table_key;
  SipKey address_key;                    // of identifiers in autoconfigured addresses (RFC 7217), the same at the next start
  std::uint64_t seed = 1;                // chance: port choice, rate limits; different on every shard
  // Where answers to a flow of ours will arrive: true when that is this shard. Empty: always.
  std::function<bool(const tcp::FlowId& flow, const IpAddress& local)> owns;
  Recorded recorded;                     // empty: numbers are our own
};

struct StackCounters {
  std::uint64_t no_buffer = 0;           // frames that could not be built
  std::uint64_t tx_overflow = 0;         // frames dropped since the port took none
  std::uint64_t no_route = 0;            // segments without a way to their destination
  std::uint64_t time_wait_overflow = 0;  // connections closed without a TIME_WAIT record: none was free
  std::uint64_t time_wait_reopened = 0;  // records that gave way to a connection that we opened
  std::uint64_t half_open_timeouts = 0;
  std::uint64_t half_open_dropped = 0;   // accepted no longer: listener closed, or the engine drains
  std::uint64_t table_full = 0;
  std::uint64_t zero_window_aborts = 0;
  std::uint64_t silent_aborts = 0;
  std::uint64_t full_table_aborts = 0;
  std::uint64_t fastopen_granted = 0, fastopen_accepted = 0, fastopen_refused = 0, fastopen_active = 0;
  std::uint64_t cookies_sent = 0, cookies_accepted = 0, cookies_refused = 0;
  std::uint64_t address_conflicts = 0;   // frames in which another station has one of our addresses
  std::uint64_t addresses_disabled = 0;  // IPv6 addresses not used: they were there before us
  std::uint64_t router_solicitations = 0, router_advertisements = 0, routers_refused = 0;
  std::uint64_t mld_reports = 0;         // of the groups that we listen to
  std::uint64_t slaac_conflicts = 0;     // autoconfigured addresses that somebody has: others were tried, or given up
  std::uint64_t slaac_refused = 0;       // prefixes for which there was no room
  std::uint64_t icmp_errors_sent = 0, icmp_errors_limited = 0;
  std::uint64_t handed_over = 0;         // frames for other shards
};

class Stack {
 public:
  // Empties the transmit queue of an interface when it is full (once in many frames).
  using FlushTx = std::function<void(std::size_t interface)>;

  Stack(const StackConfig& config, BufSource& buffers);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // --- for the driver ---
  void on_tx_full(FlushTx flush) { flush_tx_ = std::move(flush); }
  // Where a datagram that was put together here belongs: its fragments had no ports to tell by.
  enum class Destination : std::uint8_t { kHere, kTaken, kFull };
  using RouteReassembled = std::function<Destination(std::size_t interface, Buf* frame)>;
  void on_reassembled(RouteReassembled route) { route_reassembled_ = std::move(route); }
  struct IcmpError {
    std::uint8_t type, code;
    std::uint32_t rest;  // bytes 4-7
  };
  static constexpr std::size_t kMaxServices = 256;  // TIME_WAIT records have eight bits for theirs
  // Before the first frame. The service outlives the stack, or is removed. Returns its index. There are fewer than kMaxServices.
  std::uint16_t add_service(Service& service, std::string name);
  // Before the first frame too; its listeners are closed.
  void remove_last_service() noexcept;
  // Takes every frame (adopted already); each ends in one Verdict.
  // `copies`: news about neighbours that another shard answers and counts; here they are learned only.
  void receive(std::size_t interface, std::span<Buf* const> frames, Instant now, bool copies = false) noexcept;
  // Fires due timers, at most `budget` (0: all); true when some are left.
  bool advance(Instant now, std::uint32_t budget) noexcept;
  // Lets the services that want it poll.
  void poll(Instant now) noexcept;
  [[nodiscard]] bool polls() const noexcept { return !pollers_.empty(); }
  // No timer is due before this; Instant::never() when there is none.
  [[nodiscard]] Instant next_deadline(Instant now) const noexcept;
  [[nodiscard]] TxQueue& tx(std::size_t interface) noexcept { return tx_[interface]; }
  [[nodiscard]] const TxQueue& tx(std::size_t interface) const noexcept { return tx_[interface]; }
  // Takes a finished frame into the transmit queue; with no room there it is dropped and counted.
  void enqueue(std::size_t interface, Buf* frame) noexcept {
    TxQueue& queue = tx_[interface];
    if (queue.count == TxQueue::kCapacity) [[unlikely]] return enqueue_on_full(interface, frame);
    queue.frames[queue.count++] = frame;
  }
  [[nodiscard]] std::size_t interfaces() const noexcept { return tx_.size(); }
  [[nodiscard]] BufPool& bufs() noexcept { return bufs_; }
  void set_now(Instant now) noexcept;
  // A neighbour known from elsewhere than the wire: static entries, captures, benchmarks.
  void learn_neighbour(std::uint8_t interface, const IpAddress& ip, const wire::MacAddress& mac, Instant now) noexcept {
    send_waiting(interface, neighbours_.fix(interface, ip, mac, now), mac);
  }
  // Makes our addresses known on the interfaces whose bit is set in `speaks` (one shard speaks for all), and looks for
  // others that have them.
  void start(Instant now, std::uint64_t speaks) noexcept;
  [[nodiscard]] Instant now() const noexcept { return env_.now; }

  // Autoconfiguration: the shard that speaks on an interface decides what it has, and whoever drives the shards tells the others.
  // Interfaces of which there is something to tell.
  [[nodiscard]] std::uint64_t slaac_news() const noexcept { return slaac_news_; }
  void slaac_told(std::uint64_t interfaces) noexcept { slaac_news_ &= ~interfaces; }
  [[nodiscard]] const Autoconfigured& autoconfigured(std::size_t interface) const noexcept { return autoconfigured_[interface]; }
  // What the interface has from now on. Connections of addresses that it has no longer end in the turns to come.
  void follow(std::size_t interface, const Autoconfigured& has) noexcept;

  // A frame went to the shard that owns its flow, where it gets its verdict.
  void count_handed_over() noexcept { ++stack_counters_.handed_over; }
  // Counts a frame that ended before it reached receive(): no room on the way to its shard.
  void count_elsewhere(tcp::Verdict verdict) noexcept {
    ++received_;
    count(verdict);
  }

  // Drain: new handshakes are refused, half-open ones forgotten, services told.
  void start_drain() noexcept;
  // Tells services of their connections, at most `most` of them; true when some are left to tell of.
  bool drain_some(std::uint32_t most) noexcept;
  // Connections that an application or the network still works on.
  [[nodiscard]] std::uint32_t live_connections() const noexcept { return slabs_.tcbs.used(); }
  // The time is up: resets up to `most` connections, whose applications hear of it; true when some are left. None can be
  // opened from now on.
  bool reset_some(std::uint32_t most) noexcept;
  // Resets all without a word to applications, and forgets half-open and TIME_WAIT records too. Before the stack goes.
  void abort_all() noexcept;

  // --- for services (by engine's Shard) ---
  Result<ListenerId> listen(Service& service, Endpoint local, const SocketOptions& options, std::uint32_t backlog);
  Result<void> set_listener(ListenerId id, Option option, std::int64_t value);
  [[nodiscard]] Result<std::int64_t> get_listener(ListenerId id, Option option) const;
  [[nodiscard]] Endpoint local(ListenerId id) const;
  void close_listener(ListenerId id) noexcept;
  void hold_listener(ListenerId id, bool held) noexcept;
  Result<Connection> connect(Service& service, Endpoint remote, Endpoint from, const SocketOptions& options);
  void reset_service(Service& service) noexcept;

  // --- for Connection and Buffer ---
  // Null when the handle is stale.
  [[nodiscard]] tcp::Tcb* tcb(std::uint32_t index, std::uint16_t generation) noexcept;
  [[nodiscard]] tcp::Env& env() noexcept { return env_; }
  // After a call on a connection: sends what there is to send, unless its event is being delivered (then that follows).
  void after_call(tcp::Tcb& tcb) noexcept;
  Result<void> set_option(tcp::Tcb& tcb, Option option, std::int64_t value);
  [[nodiscard]] Result<std::int64_t> get_option(const tcp::Tcb& tcb, Option option) const;
  [[nodiscard]] ConnectionInfo info(const tcp::Tcb& tcb) const;

  // --- statistics ---
  [[nodiscard]] const tcp::VerdictCounts& verdicts() const noexcept { return verdicts_; }
  [[nodiscard]] const tcp::Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::array<std::uint64_t, kStates> states() const noexcept;
  static constexpr std::size_t kNamedCounters = 82;
  [[nodiscard]] static const char* counter_name(std::size_t index) noexcept;
  void read_counters(std::span<std::uint64_t, kNamedCounters> out) const noexcept;
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] const ConnTableCore& table() const noexcept { return table_; }
  [[nodiscard]] const Slabs& slabs() const noexcept { return slabs_; }
  [[nodiscard]] const Reassembly& reassembly() const noexcept { return reassembly_; }
  [[nodiscard]] std::uint32_t timers_armed() const noexcept { return wheel_.armed(); }
  // Bytes that connections of all three kinds may take at most, as reserved.
  [[nodiscard]] static std::size_t bytes_needed(const StackConfig& config) noexcept;
  // Reports on a slice of the table, on all or those that are wanted; false at the end.
  bool report(ConnTableCore::Cursor& cursor, std::uint32_t buckets_max, unsigned shard, std::vector<ConnectionReport>& out,
              const std::function<bool(const ConnectionReport&)>& wanted = {}) const;
  // Null when every invariant of every connection and of the stack itself holds.
  [[nodiscard]] const char* broken_invariant() noexcept;

 private:
  static constexpr std::size_t kBurst = 64;
  struct Arrival {
    wire::Packet packet;
    tcp::FlowId flow;
    std::uint64_t hash;
    Buf* buf;
    tcp::Verdict verdict;
    bool is_tcp;   // goes on to the table
    bool parsed;   // verdict still open
    bool has_isn;  // of a SYN: `isn` is known already
    std::uint32_t isn;  // tcp::isn_hash()
  };

  friend struct StackCounterTable;

  void count(tcp::Verdict verdict) noexcept { ++verdicts_[static_cast<std::size_t>(verdict)]; }

  // A record just taken becomes that of `flow` and is found by it. False: the table is full (counted), and the record given back.
  template <typename Record>
  [[nodiscard]] bool enter_table(Slab<Record>& records, Handle handle, const tcp::FlowId& flow, std::uint64_t hash) noexcept {
    // First, because an insert may split the very bucket, and then asks the record for its hash.
    records[handle.index()].flow = flow;
    if (table_.insert(hash, handle)) [[likely]] return true;
    ++stack_counters_.table_full;
    records.give(handle.index());
    return false;
  }

  // receive.cc
  // To whom the segment before went: most of a burst go to the same of our addresses.
  struct LastLocal {
    const LocalAddress* address = nullptr;
    std::uint16_t index = kNoAddress;
  };
  void parse(std::span<Arrival> arrivals, std::size_t interface, LastLocal& last) noexcept;
  // A frame that parse_plain() left alone. True: TCP; else it has its verdict, or is something else (`parsed`).
  [[nodiscard, gnu::noinline]] bool parse_other(Arrival& arrival, std::size_t interface, const wire::ParseContext& context) noexcept;
  [[nodiscard, gnu::noinline]] tcp::Verdict refuse_destination(const wire::Packet& packet) const noexcept;
  [[gnu::noinline]] void refuse_frame(Arrival& arrival, std::size_t interface, wire::ParseResult reason) noexcept;
  void hash_arrivals(std::span<Arrival> arrivals) noexcept;
  // SYNs of a burst whose ISNs are made together.
  struct Syns {
    std::array<Arrival*, 4> arrivals;
    std::size_t count = 0;
  };
  void note_syn(Arrival& arrival, Syns& syns) noexcept;
  void hash_syns(Syns& syns) noexcept;
  tcp::Verdict tcp_input(Arrival& arrival) noexcept;
  tcp::Verdict stranger(Arrival& arrival, tcp::Segment& segment, SeqNum iss_above, bool reuse) noexcept;
  tcp::Verdict listen_input(Arrival& arrival, tcp::Segment& segment, std::uint16_t listener, SeqNum iss_above,
                            bool reuse) noexcept;
  tcp::Verdict half_open_input(Arrival& arrival, tcp::Segment& segment, const ConnTableCore::Found& found) noexcept;
  [[gnu::noinline]] tcp::Verdict other_half_open_input(Arrival& arrival, tcp::Segment& segment,
                                                       const ConnTableCore::Found& found) noexcept;
  // `plain`: completes_handshake() was true.
  tcp::Verdict promote(Arrival& arrival, tcp::Segment& segment, const ConnTableCore::Found& found, tcp::Verdict verdict,
                       bool plain) noexcept;
  // The connection in slot `handle`, already in the table, becomes what the record says (SYN_RCVD).
  void begin_passive(Handle handle, const tcp::HalfOpen& record, const Listener& listener, std::uint32_t ts_offset) noexcept;
  // The same, and goes on with the segment that completed its handshake.
  void open_passive(Handle handle, tcp::Segment& segment, const tcp::HalfOpen& record, std::uint32_t ts_offset) noexcept;
  // The connection just begun gets the segment that began it.
  void go_on(Handle handle, tcp::Segment& segment, std::uint16_t listener) noexcept;
  [[gnu::noinline]] tcp::Verdict time_wait_input(Arrival& arrival, tcp::Segment& segment, Handle handle) noexcept;
  // `ip`: of whose segment the answer is.
  tcp::Verdict reset(const Arrival& arrival, const tcp::OutSegment& answer, tcp::Verdict verdict, tcp::IpFields ip) noexcept;
  // The reset that CLOSED answers with; `segment` is none.
  [[gnu::noinline]] tcp::Verdict refuse(const Arrival& arrival, const tcp::Segment& segment, tcp::Verdict verdict,
                                        tcp::IpFields ip) noexcept;
  [[nodiscard]] tcp::Verdict may_reuse(const Arrival& arrival) const noexcept;
  void learn_next_hop(const Arrival& arrival) noexcept;

  // fragments.cc
  void fragment_input(Arrival& arrival, std::size_t interface) noexcept;
  tcp::Verdict hold_fragment(Arrival& arrival, std::size_t interface) noexcept;

  // syn_cookies.cc
  [[nodiscard]] bool wants_cookie(const Listener& listener) const noexcept;
  [[nodiscard]] tcp::CookieContext cookie_context(const Arrival& arrival, const Listener& listener,
                                                  bool timestamps) noexcept;
  tcp::Verdict send_cookie(const Arrival& arrival, const tcp::Segment& syn, Listener& listener,
                           const tcp::FastOpenCookie* grant) noexcept;
  tcp::Verdict cookie_input(Arrival& arrival, tcp::Segment& segment, std::uint16_t listener) noexcept;

  // fast_open.cc
  // What a SYN that speaks of Fast Open gets: a connection at once, or an ordinary handshake, perhaps with a cookie.
  enum class FastOpening : std::uint8_t { kOrdinary, kGrant, kOpen, kOpenAndGrant };
  [[nodiscard]] FastOpening judge_fast_open(const Arrival& arrival, const tcp::Segment& syn, const Listener& listener,
                                            tcp::FastOpenCookie& grant) noexcept;
  tcp::Verdict fast_open_input(Arrival& arrival, tcp::Segment& syn, std::uint16_t listener,
                               const tcp::FastOpenCookie* grant) noexcept;
  // The handshake is complete, or the connection gone.
  void end_fast_open(tcp::Tcb& tcb) noexcept;
  void learn_fast_open(const tcp::Tcb& tcb, const tcp::Segment& syn_ack) noexcept;
  [[nodiscard]] bool open_active(tcp::Tcb& tcb, const SocketOptions& options, std::optional<SeqNum> iss_above) noexcept;
  static void put_grant(tcp::OutSegment& syn_ack, const tcp::FastOpenCookie& grant) noexcept;

  // link_input.cc: ARP, neighbour discovery
  tcp::Verdict arp_input(const wire::Packet& packet, std::size_t interface) noexcept;
  tcp::Verdict nd_input(const Arrival& arrival, std::size_t interface) noexcept;
  void solicit(const Neighbours::Entry& entry) noexcept;
  void send_waiting(std::size_t interface, Buf* list, const wire::MacAddress& mac) noexcept;

  // announce.cc
  void announce(std::uint16_t local) noexcept;
  void ask_for_duplicates(std::size_t interface, const IpAddress& address) noexcept;
  void on_announce_timer(Instant now) noexcept;
  tcp::Verdict address_conflict(std::uint16_t local) noexcept;

  // mld.cc
  void start_mld(Instant tried) noexcept;
  void report_group_of(std::size_t interface, const IpAddress& address) noexcept;
  tcp::Verdict mld_input(const Arrival& arrival, std::size_t interface) noexcept;
  [[nodiscard]] bool has_group(std::size_t interface, const IpAddress& group) const noexcept;
  [[nodiscard]] IpAddress mld_source(std::size_t interface) const noexcept;
  void send_mld_reports(std::size_t interface, const MldReports::Report& report) noexcept;
  void find_groups(std::size_t interface) noexcept;

  // router_discovery.cc
  tcp::Verdict router_input(const Arrival& arrival, std::size_t interface) noexcept;
  void start_router_discovery(Instant ready) noexcept;
  void on_router_timer(Instant now) noexcept;
  void solicit_routers(Instant now) noexcept;
  void router_failed(const Neighbours::Entry& entry) noexcept;
  [[nodiscard]] bool lacks_router(std::size_t interface) const noexcept;
  void use_routers() noexcept;

  // autoconfiguration.cc
  void hear_prefixes(const wire::RouterView& view, std::size_t interface) noexcept;
  [[nodiscard]] bool tentative_conflict(std::size_t interface, const IpAddress& target, const wire::MacAddress& mac) noexcept;
  void on_slaac_timer(Instant now) noexcept;
  void drop_lost(std::size_t interface, const Autoconfigured& has) noexcept;
  void sweep_lost() noexcept;

  // icmp_input.cc
  tcp::Verdict icmp4_input(Arrival& arrival, std::size_t interface) noexcept;
  tcp::Verdict icmp6_input(Arrival& arrival, std::size_t interface) noexcept;
  tcp::Verdict icmp_error_input(std::span<const std::uint8_t> inner, bool v4, Errc error, bool hard) noexcept;
  tcp::Verdict too_big_input(std::span<const std::uint8_t> inner, bool v4, std::uint32_t mtu) noexcept;
  // kNoHandle unless a connection has what is quoted in flight. `total_len`: of the quoted packet (IPv4).
  [[nodiscard]] Handle find_quoted(std::span<const std::uint8_t> inner, bool v4, std::uint16_t& total_len) noexcept;
  // Everything before an ICMP message of `len` bytes that answers `packet`.
  void begin_icmp(Buf& frame, const wire::Packet& packet, std::size_t interface, std::size_t len) noexcept;
  tcp::Verdict answer_echo(const Arrival& arrival, std::uint16_t local) noexcept;

  // icmp_errors.cc
  void send_icmp_error(Arrival& arrival, std::size_t interface, const IcmpError& error) noexcept;
  [[nodiscard]] bool may_complain(const Arrival& arrival, std::size_t interface, std::uint16_t& local) const noexcept;
  void complain(Arrival& arrival, std::size_t interface, wire::ParseError reason) noexcept;
  // The same about what is no longer there whole: `packet` has src, dst, l3, payload and payload_len.
  void send_icmp_error(const wire::Packet& packet, std::size_t interface, std::uint16_t local, const IcmpError& error) noexcept;
  void give_up_fragments(Instant now) noexcept;
  void complain_of_unfinished(const Unfinished& datagram) noexcept;
  void complain_of_fragment(Arrival& arrival, std::size_t interface, wire::FragmentCheck check,
                            std::uint32_t offset) noexcept;

  // paths.cc
  tcp::Verdict path_mtu_input(Handle handle, std::uint32_t mtu, std::uint16_t total_len) noexcept;
  void lower_mss(tcp::Tcb& tcb, std::uint16_t mss, Instant probe_at) noexcept;
  void suspect_black_hole(tcp::Tcb& tcb) noexcept;
  bool abort_some(std::uint32_t most, bool tell) noexcept;
  // `resets`: a RST goes out where the state asks for one.
  void abort_one(std::uint32_t index, Errc error, bool tell, bool resets) noexcept;
  void use_known_path(tcp::Tcb& tcb) noexcept;
  void learn_path(const tcp::Tcb& tcb) noexcept;
  void output_beside_probe(tcp::Tcb& tcb) noexcept;
  void probe_mtu(tcp::Tcb& tcb, MtuSearch::Record& record) noexcept;
  bool told_of_probe(const tcp::Tcb& tcb, std::uint32_t mtu) noexcept;
  MtuSearch::Next search_mtu(MtuSearch::Record& record) noexcept;

  // transmit.cc
  void send(const tcp::OutSegment& segment, const tcp::FlowId& flow, tcp::IpFields ip,
            Neighbours::Asker asker = Neighbours::Asker::kStranger) noexcept;
  [[gnu::noinline]] void enqueue_on_full(std::size_t interface, Buf* frame) noexcept;
  // A finished frame, but for its destination MAC, to the next hop of `remote`.
  void send_frame(Buf* frame, std::uint16_t local, const IpAddress& remote, Neighbours::Asker asker) noexcept;
  inline void send_from(const LocalAddress& local, Buf* frame, const IpAddress& remote, Neighbours::Asker asker) noexcept;
  // Any next hop but one whose MAC address is known for sure; null: there is none.
  [[gnu::noinline]] void resolve_and_send(Buf* frame, std::uint8_t interface, const IpAddress* hop, Neighbours::Asker asker) noexcept;
  void flush_outbox(const tcp::Tcb& tcb) noexcept;
  void send_syn_ack(const tcp::HalfOpen& record, const tcp::FastOpenCookie* grant = nullptr) noexcept;
  void repeat_syn_ack(const tcp::HalfOpen& record) noexcept;

  // lifecycle.cc
  void deliver(Handle handle, tcp::Tcb& tcb, std::uint16_t listener) noexcept;
  // Answers out, events to the application, output, timers; the record may be gone afterwards.
  // `known`: the flow's hash, where the caller has it already.
  void settle(Handle handle, tcp::Tcb& tcb, std::uint16_t listener = Listeners::kNone,
              const std::uint64_t* known = nullptr) noexcept;
  void finish(Handle handle, tcp::Tcb& tcb, const std::uint64_t* known = nullptr) noexcept;
  void suspect_next_hop(const tcp::FlowId& flow) noexcept;
  [[gnu::noinline]] void compact(Handle handle, tcp::Tcb& tcb, std::uint64_t hash) noexcept;
  [[gnu::noinline]] void remove_tcb(Handle handle, tcp::Tcb& tcb, std::uint64_t hash) noexcept;
  void remove_half_open(Handle handle) noexcept;
  void reset_half_open(std::uint32_t index) noexcept;
  void remove_time_wait(Handle handle) noexcept { remove_time_wait(handle, hash(slabs_.time_waits[handle.index()].flow)); }
  void remove_time_wait(Handle handle, std::uint64_t hash) noexcept;
  void remove_expired() noexcept;
  // pressure.cc
  void relieve_pressure() noexcept;
  void give_up(std::uint32_t index) noexcept;
  // room.cc
  // kNoIndex when the table is full; then somebody may have to go.
  [[nodiscard]] std::uint32_t take_tcb() noexcept;
  void look_for_room() noexcept;
  void make_room() noexcept;
  void catch_up(Instant now) noexcept;
  void on_timer(Handle handle) noexcept;
  [[nodiscard]] std::uint64_t hash(const tcp::FlowId& flow) const noexcept { return flow_hash(slabs_.table_key, flow); }
  [[nodiscard]] Handle find(const tcp::FlowId& flow) const noexcept;
  [[nodiscard]] std::uint32_t ts_offset(const tcp::FlowId& flow) const noexcept;
  // Not worth a hash where no timestamp will be sent.
  [[nodiscard]] std::uint32_t ts_offset(const tcp::HalfOpen& record) const noexcept {
    return (record.flags & tcp::kTsOk) != 0 ? ts_offset(record.flow) : 0;
  }

  // options.cc
  [[nodiscard]] std::uint16_t make_params(const tcp::Params& params) noexcept;  // kNoParams when full
  [[nodiscard]] std::uint16_t share_params(const tcp::Params& params) noexcept;   // one that is the same, or a new one
  void unref_params(std::uint16_t index) noexcept;
  [[nodiscard]] const tcp::Params& params_of(const Listener& listener) const noexcept { return params_[listener.params]; }
  [[nodiscard]] static Result<void> check_options(const SocketOptions& options);
  [[nodiscard]] tcp::Params params_from(const SocketOptions& options, std::uint16_t service) const noexcept;
  [[nodiscard]] std::uint16_t service_index(const Service& service) const noexcept;
  // Never 0, which marks a free element.
  [[nodiscard]] std::uint16_t take_generation() noexcept {
    if (++next_generation_ == 0) ++next_generation_;
    return next_generation_;
  }
  // connect.cc
  [[nodiscard]] Result<void> choose_local(tcp::FlowId& flow, Handle& holder, const Endpoint& remote, const Endpoint& from);
  [[nodiscard]] bool choose_port(tcp::FlowId& flow, Handle& holder) noexcept;
  [[nodiscard]] bool may_give_way(Handle holder) const noexcept;

  static constexpr std::uint16_t kNoParams = 0xffff;

  StackConfig config_;
  Addresses addresses_;
  std::vector<tcp::LocalSecrets> secrets_;  // by local address
  BufPool bufs_;
  Slabs slabs_;
  Reservation opened_ms_;                // by Tcb index: when it was opened
  ConnTable<Records> table_;
  TimerWheel<Records> wheel_;
  Listeners listeners_;
  LocalPorts local_ports_;
  std::uint32_t next_source_ = 0;        // whose turn it is among several addresses
  Neighbours neighbours_;
  Reassembly reassembly_;
  RouteReassembled route_reassembled_;
  Instant announce_at_ = Instant::never();
  Instant announce_again_at_ = Instant::never();
  std::vector<Instant> defend_from_;     // by address: not again before
  std::uint64_t speaks_ = 0;
  std::vector<bool> dad_;                // by address: being tried for duplicates
  MldReports mld_reports_;
  std::vector<std::uint32_t> mld_groups_;  // that a report is about
  Routers routers_;
  Slaac slaac_;
  std::vector<Autoconfigured> autoconfigured_;  // by interface, as it was followed
  std::uint64_t slaac_news_ = 0;         // interfaces whose others are to be told
  // The way through all records for those of addresses that were lost, in this order.
  struct Sweep {
    bool on = false;
    std::uint32_t tcbs = 0, half_opens = 0, time_waits = 0;  // looked at
  };
  Sweep sweep_;
  Instant routers_at_ = Instant::never();  // when on_router_timer() has something to do
  Instant solicit_routers_at_ = Instant::never();
  Duration solicit_routers_pause_{};
  PathMtus paths_;
  MtuSearch mtu_search_;
  PathCounters path_counters_;
  Slab<tcp::Params> params_;
  std::array<std::uint16_t, 16> recent_params_;  // made last by share_params()
  std::size_t next_recent_ = 0;
  std::vector<TxQueue> tx_;
  FlushTx flush_tx_;
  struct ServiceSlot {
    Service* service;
    std::string name;
  };
  std::vector<ServiceSlot> services_;
  std::vector<Service*> pollers_;
  Rng rng_;     // not for what others see many of
  IpIds ip_ids_;
  tcp::CookieKeys cookie_keys_;
  tcp::CookieKeys fast_open_keys_;
  FastOpenCache fast_open_cache_;
  TokenBucket rst_limit_;
  TokenBucket time_wait_limit_;
  TokenBucket icmp_limit_;
  TokenBucket icmp_error_limit_;
  tcp::Outbox outbox_;
  tcp::Counters counters_;
  tcp::VerdictCounts verdicts_{};
  StackCounters stack_counters_;
  tcp::Env env_;
  const tcp::Tcb* current_ = nullptr;    // whose event is being delivered
  std::uint16_t next_generation_ = 0;
  static constexpr Duration kLongestStep = Duration::seconds(12 * 3600);
  Instant advanced_to_{};                // the wheel's last now
  std::uint32_t drain_next_ = 0;         // where drain_some() goes on
  std::uint64_t pressure_seen_ = 0;      // refusals of the pool that were dealt with
  std::uint32_t pressure_next_ = 0;      // connection that the round goes on with
  std::uint32_t pressure_worst_ = kNoIndex;
  // Who holds a place of the full table for nothing, the longest-held last; filled in rounds over all connections.
  struct Dispensable {
    std::uint32_t index;
    std::uint16_t generation;
    bool orphan;
    Asked asked;
  };
  static constexpr std::size_t kDispensable = 64;
  std::array<Dispensable, kDispensable> dispensable_;
  std::size_t n_dispensable_ = 0;
  std::uint32_t room_wanted_ = 0;        // newcomers refused since the last round ended
  std::uint32_t room_next_ = 0;          // connection that the round goes on with
  Instant room_from_{};                  // no round begins before
  std::uint32_t abort_next_ = 0;         // where abort_some() goes on
  bool ending_ = false;                  // the drain's time is up
  struct Expired {
    Handle handle;
    std::uint64_t hash;
  };
  std::array<Expired, 16> expired_;      // TIME_WAIT records whose buckets are on their way
  std::size_t n_expired_ = 0;
  bool draining_ = false;
  bool copies_ = false;                  // the burst is of copies: learn, do not answer
  std::uint64_t received_ = 0;
  std::array<Arrival, kBurst> arrivals_;
};

}  // namespace sluice::stack
