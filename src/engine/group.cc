// SPDX-License-Identifier: BSD-3-Clause
#include "engine/group.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <new>
#include <stdexcept>
#include <utility>

#include "engine/enumeration.h"

namespace sluice::engine {

namespace {
// What a device with RSS has; the others follow it, so that a flow has one owner whichever port it uses.
unsigned table_entries(const std::vector<port::Port*>& ports) noexcept {
  for (const port::Port* port : ports) {
    if (port->capabilities().rss) return std::max<unsigned>(port->capabilities().rss_entries, 1);
  }
  return kRetaSize;
}
}  // namespace

Keys make_keys(std::uint64_t seed) {
  std::array<std::uint64_t, 15> words{};
  if (seed == 0) {
    if (::getrandom(words.data(), sizeof(words), 0) != static_cast<ssize_t>(sizeof(words))) {
      throw std::runtime_error("the kernel gives no random numbers (getrandom)");
    }
  } else {
    Rng rng(seed);
    for (auto& word : words) word = rng.next();
  }
  Keys keys;
  keys.tcp.isn = {words[0], words[1]};
  keys.tcp.timestamps = {words[2], words[3]};
  keys.table = {words[4], words[5]};
  keys.rss = port::make_rss_key(words[6], words[7]);
  keys.chance = words[8];
  keys.tcp.cookies = {words[9], words[10]};
  keys.tcp.fast_open = {words[11], words[12]};
  keys.addresses = {words[13], words[14]};
  return keys;
}

stack::StackConfig Group::stack_config(const Config& config, const GroupOptions& options) {
  stack::StackConfig out;
  const auto share = [&](std::uint32_t all) { return (all + options.shards - 1) / options.shards; };
  out.max_connections = share(config.tcp.max_connections);
  out.syn_cache = share(config.tcp.syn_cache);
  out.syn_cookies = config.tcp.syn_cookies;
  out.fastopen = config.tcp.fastopen;
  out.msl_ms = config.tcp.msl_ms;
  out.rcvbuf = config.tcp.rcvbuf;
  out.ecn = config.tcp.ecn;
  out.ip = {config.tcp.ttl, config.tcp.dscp};
  out.sndbuf = config.tcp.sndbuf;
  out.learn_next_hops = options.learn_next_hops;
  out.recorded = options.recorded;
  if (options.learn_next_hops) out.neighbour_sets = 16384;
  out.prefault = options.prefault;
  out.buffers = options.buffers / options.shards;
  return out;
}

namespace {
bool has_queue_each(const port::Capabilities& caps, unsigned shards) {
  return caps.queues >= shards && (shards == 1 || caps.rss);
}
}  // namespace

void Group::attach(const std::vector<port::Port*>& ports) {
  const unsigned n = steering_.shards();
  attachments_.resize(n);
  for (std::size_t p = 0; p < ports.size(); ++p) {
    const port::Capabilities& caps = ports[p]->capabilities();
    const bool queue_each = has_queue_each(caps, n);
    const auto owner = static_cast<unsigned>(p % n);
    for (unsigned s = 0; s < n; ++s) {
      Attachment at;
      at.port = ports[p];
      at.owns = queue_each || s == owner;
      at.queue = static_cast<std::uint16_t>(queue_each ? s : 0);
      at.owner = queue_each ? s : owner;
      if (at.speaks()) speakers_.push_back(s);
      at.steer = n > 1 && !(queue_each && steering_.spreads_as(caps.rss_entries));
      attachments_[s].push_back(at);
    }
  }
}

Group::Group(const Config& config, const GroupOptions& options, const Keys& keys, const std::vector<port::Port*>& ports,
             BufSource& buffers)
    : drain_s_(config.drain_s),
      ports_(ports),
      steering_(keys.rss, options.shards, table_entries(ports)),
      fabric_(options.shards) {
  for (const PortConfig& port : config.ports) devices_.push_back(port.device);
  attach(ports);
  stack::StackConfig base = stack_config(config, options);
  base.secrets = keys.tcp;
  base.table_key = keys.table;
  base.address_key = keys.addresses;
  for (unsigned s = 0; s < options.shards; ++s) {
    stack::StackConfig mine = base;
    mine.seed = keys.chance + s;
    for (std::size_t p = 0; p < ports.size(); ++p) {
      const port::Capabilities& caps = ports[p]->capabilities();
      stack::InterfaceConfig interface;
      interface.name = config.ports[p].name;
      interface.mac = ports[p]->mac();
      interface.mtu = std::min(config.ports[p].mtu, caps.mtu);
      interface.vlan = config.ports[p].vlan;
      interface.addresses = config.ports[p].addresses;
      interface.sources = config.ports[p].sources;
      interface.gateways = config.ports[p].gateways;
      interface.routes = config.ports[p].routes;
      interface.dad = config.ports[p].dad;
      interface.router_advertisements = config.ports[p].router_advertisements;
      interface.slaac = config.ports[p].slaac;
      interface.offloads.tx_ip_csum = caps.tx_ip_csum;
      interface.offloads.tx_tcp_csum = caps.tx_tcp_csum;
      // Fragments point into this shard's buffers, so only its own queue may send them.
      interface.offloads.multi_segment = caps.multi_segment && attachments_[s][p].owns;
      mine.interfaces.push_back(std::move(interface));
    }
    if (options.shards > 1) {
      mine.owns = [this, s](const tcp::FlowId& flow, const IpAddress& local) { return steering_.shard_of(flow, local) == s; };
    }
    loops_.push_back(std::make_unique<ShardLoop>(s, mine, attachments_[s], buffers, steering_, fabric_));
  }
}

Result<void> Group::add_service(const ServiceConfig& config, const ServiceFactory& factory) {
  SocketOptions options;
  options.nodelay = config.nodelay;
  options.keepalive = config.keepalive;
  options.rcvbuf = config.rcvbuf;
  options.sndbuf = config.sndbuf;
  options.congestion_control = config.congestion_control;
  options.pacing = config.pacing;
  options.ttl = config.ttl;
  options.dscp = config.dscp;
  options.idle_timeout_s = config.idle_timeout_s;
  const std::uint32_t backlog = (config.backlog + shards() - 1) / shards();
  if (loops_.front()->services() == stack::Stack::kMaxServices) {
    return Error{Errc::kInvalid, "service " + config.name + ": " + std::to_string(stack::Stack::kMaxServices) +
                                     " services are there already, more cannot be told apart"};
  }
  if (!factory) return Error{Errc::kInvalid, "service " + config.name + ": there is no factory for it"};
  // Unless all goes well, an exception of the factory's included, it is on no shard.
  struct Added {
    ~Added() {
      for (const auto& [there, id] : opened) there->close(id);
      for (ShardLoop* loop : loops) loop->remove_last_service();
    }
    std::vector<std::pair<ShardLoop*, ListenerId>> opened{};
    std::vector<ShardLoop*> loops{};
  } added;
  for (const auto& loop : loops_) {
    auto owned = factory(loop->index());
    if (owned == nullptr) return Error{Errc::kInvalid, "service " + config.name + ": its factory makes nothing"};
    Service& service = *owned;
    loop->add_service(std::move(owned), config.name);
    added.loops.push_back(loop.get());
    for (const Endpoint& endpoint : config.listen) {
      const auto listener = loop->listen(service, endpoint, options, backlog);
      if (!listener) return Error{listener.error().code, "service " + config.name + ": " + listener.error().message};
      added.opened.emplace_back(loop.get(), *listener);
    }
  }
  added.opened.clear();
  added.loops.clear();
  return {};
}

void Group::start(Instant now) {
  for (const auto& loop : loops_) loop->start(now);
}

void Group::run(unsigned index, const std::function<Instant()>& clock) noexcept {
  ShardLoop& loop = *loops_[index];
  const auto turn = [&] {
    loop.fetch(loop.now());
    const Instant now = clock();
    loop.turn(now);
    return now;
  };
  bool done = false;
  while (drained_.load(std::memory_order_acquire) != shards()) {
    const Instant now = turn();
    if (stopping_.load(std::memory_order_relaxed)) [[unlikely]] {
      if (!loop.draining()) loop.begin_drain(now + Duration::seconds(drain_s_));
      // A shard that is done still serves the others' frames until they are done too.
      if (!done && loop.drained()) {
        done = true;
        drained_.fetch_add(1, std::memory_order_acq_rel);
      }
    }
  }
  // The last RSTs of the others may lie in our rings until they are done.
  do turn();
  while (loop.has_last_words());
  loop.publish();
}

bool Group::run_all_once(Instant now) noexcept {
  bool busy = false;
  for (const auto& loop : loops_) {
    if (loop->run_once(now)) busy = true;
  }
  for (const auto& loop : loops_) {
    if (loop->has_pending()) busy = true;
  }
  return busy;
}

Instant Group::next_deadline(Instant now) const noexcept {
  Instant next = Instant::never();
  for (const auto& loop : loops_) next = std::min(next, loop->next_deadline(now));
  return next;
}

Stats Group::stats() const {
  Stats stats;
  tcp::VerdictCounts verdicts{};
  for (const auto& loop : loops_) {
    const ShardNumbers n = loop->numbers();
    const TcpStats& mib = n.mib;
    stats.tcp.ActiveOpens += mib.ActiveOpens;
    stats.tcp.PassiveOpens += mib.PassiveOpens;
    stats.tcp.AttemptFails += mib.AttemptFails;
    stats.tcp.EstabResets += mib.EstabResets;
    stats.tcp.CurrEstab += mib.CurrEstab;
    stats.tcp.InSegs += mib.InSegs;
    stats.tcp.OutSegs += mib.OutSegs;
    stats.tcp.RetransSegs += mib.RetransSegs;
    stats.tcp.InErrs += mib.InErrs;
    stats.tcp.OutRsts += mib.OutRsts;
    for (std::size_t i = 0; i < verdicts.size(); ++i) verdicts[i] += n.verdicts[i];
    for (std::size_t i = 0; i < kStates; ++i) stats.states[i] += n.states[i];
    ShardStats shard;
    shard.index = loop->index();
    shard.loops = n.loops;
    shard.busy_loops = n.busy_loops;
    shard.rx_frames = n.rx_frames;
    shard.tx_frames = n.tx_frames;
    shard.buffers_in_use = n.buffers_in_use;
    for (std::size_t i = 0; i < n.named.size(); ++i) shard.counters.push_back({stack::Stack::counter_name(i), n.named[i]});
    stats.shards.push_back(std::move(shard));
  }
  static constexpr const char* kSeverities[] = {"info", "drop", "error"};
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const tcp::VerdictInfo& info = tcp::kVerdicts[i];
    stats.verdicts.push_back({info.name, kSeverities[static_cast<std::size_t>(info.severity)], info.text, verdicts[i]});
  }
  for (std::size_t p = 0; p < ports_.size(); ++p) {
    stats.ports.push_back(ports_[p]->stats());
    stats.ports.back().device = devices_[p];
    const stack::Autoconfigured has = loops_[speakers_[p]]->autoconfigured(p);
    for (std::size_t i = 0; i < has.n_addresses; ++i) {
      stats.ports.back().slaac.push_back({has.addresses[i].address, has.addresses[i].deprecated});
    }
  }
  return stats;
}

Result<void> Group::for_each_connection(const Engine::Wanted& wanted, const Engine::Take& take, std::chrono::milliseconds patience) {
  constexpr std::uint32_t kBuckets = 256;  // a slice: up to some thousand connections
  // Shards may look at it after we have gone.
  const auto enumeration = std::make_shared<Enumeration>();
  struct Leave {
    Enumeration& of;
    ~Leave() { of.leave(); }
  } const leave{*enumeration};
  {
    const std::lock_guard lock(control_);
    for (unsigned s = 0; s < shards(); ++s) {
      auto task = std::make_unique<Task>([enumeration, wanted](Shard& shard) {
        static_cast<ShardLoop&>(shard).add_job([enumeration, wanted, cursor = stack::ConnTableCore::Cursor{}](ShardLoop& self) mutable {
          return enumeration->add([&](std::vector<ConnectionReport>& slice) {
            return self.stack().report(cursor, kBuckets, self.index(), slice, wanted);
          });
        });
      });
      if (fabric_.tasks(fabric_.control(), s).push(task.get())) (void)task.release();  // the mailbox's now
    }
  }
  const auto ended = [this] { return drained_.load(std::memory_order_acquire) == shards(); };
  for (;;) {
    auto slice = enumeration->next(shards(), patience, ended);
    if (!slice) return slice.error();
    if (slice->empty() || !take(std::move(*slice))) return {};
  }
}

Result<std::vector<ConnectionReport>> Group::connections(std::chrono::milliseconds patience) {
  std::vector<ConnectionReport> all;
  try {
    const auto done = for_each_connection(
        {},
        [&all](std::vector<ConnectionReport> some) {
          all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
          return true;
        },
        patience);
    if (!done) return done.error();
  } catch (const std::bad_alloc&) {
    return Error{Errc::kNoMemory, "no memory for the list of all connections; take them with for_each_connection()"};
  }
  return all;
}

}  // namespace sluice::engine
