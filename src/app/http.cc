// SPDX-License-Identifier: BSD-3-Clause
// http: answers GET and HEAD of HTTP/1.0 and 1.1. A request that lies whole in one
// received buffer and whose answer fits in the send buffer leaves no state behind; a
// connection gets state (its context) while a request is incomplete, an answer is
// under way, or more requests wait behind one.
//
// A head that is not whole in time, however slowly its bytes trickle in, is answered with 408.
//
// Closing first: the FIN follows the answer at once. Where the peer may still be
// sending (after an error, or behind a request that said close), closing would answer
// its bytes with a RST that may destroy our answer on its way; so we send our FIN,
// drop what comes, and close after its FIN or after kLinger.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "app/delayed_close.h"
#include "app/drain.h"
#include "app/http_date.h"
#include "app/http_files.h"
#include "app/http_heads.h"
#include "app/http_request.h"
#include "app/http_resource.h"
#include "app/options.h"
#include "app/pool.h"
#include "app/services.h"

namespace sluice::app {
namespace {

constexpr Duration kLinger = Duration::seconds(2);
// Of heads that have not arrived whole, all connections of a shard together.
constexpr std::size_t kHeldHeadsMax = 64ULL << 20;
constexpr std::uint64_t kHeadTimeout = 60;  // seconds, unless configured

using ResourcePtr = std::shared_ptr<const Resource>;

std::string_view text_of(const Buffer& buffer) noexcept {
  const auto bytes = buffer.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

class Http final : public Service {
 public:
  Http(ResourcePtr fixed, std::shared_ptr<const FileRoot> root, Duration head_timeout, bool has_clock)
      : fixed_(std::move(fixed)), date_(has_clock), open_heads_(head_timeout) {
    if (root != nullptr) files_ = std::make_unique<FileCache>(std::move(root));
  }

  void on_start(Shard& shard) override { shard_ = &shard; }
  void on_accept(Connection, ListenerId) override {}

  void on_readable(Connection connection) override {
    if (auto* state = static_cast<State*>(connection.context())) return run(connection, *state);
    for (;;) {
      Buffer buffer = connection.receive();
      if (buffer.empty()) {
        if (connection.eof()) connection.close();
        return;
      }
      switch (answer_at_once(connection, text_of(buffer))) {
        case AtOnce::kSent: break;
        case AtOnce::kDone: return;
        case AtOnce::kNotSimple:
          State& state = take_state(connection);
          state.input = std::move(buffer);
          return run(connection, state);
      }
    }
  }

  void on_writable(Connection connection) override {
    if (auto* state = static_cast<State*>(connection.context())) run(connection, *state);
  }

  void on_closed(Connection connection, Errc) override { give_state(connection); }

  // The peer asks for nothing, or has not said the whole of what it asks for.
  void on_idle(Connection connection) override {
    const auto* state = static_cast<const State*>(connection.context());
    if (state == nullptr || (state->resource == nullptr && !state->lingering)) close(connection);
  }

  void on_poll(Instant now) override {
    for (std::size_t n = 0; n < kLateHeadsMax; ++n) {
      auto* state = static_cast<State*>(open_heads_.overdue(now));
      if (state == nullptr) break;
      refuse(*state, 408);
      run(state->connection, *state);
    }
    lingering_.run(now, [this](Connection connection) {
      const auto* state = static_cast<const State*>(connection.context());
      if (state != nullptr && state->lingering) close(connection);  // else it ended, and another has its place
    });
  }
  [[nodiscard]] bool wants_poll() const override { return true; }
  void on_drain() override { draining_ = true; }
  // Nobody waits for an answer on a connection without state; the next request would come too late.
  void on_drain_connection(Connection connection) override {
    if (connection.context() == nullptr && connection.readable() == 0) connection.close();
  }

 private:
  static constexpr std::size_t kLateHeadsMax = 64;  // a call

  struct State : OpenHead {
    Connection connection;
    Buffer input;               // received; its first `at` bytes are done with
    std::size_t at = 0;
    std::string head;           // the beginning of a request whose rest has not arrived
    std::uint64_t skip = 0;     // bytes of a request's body still to be dropped
    ResourcePtr resource;       // the answer under way, or null
    std::string_view head_left; // of the answer
    std::string begun_head;     // what it is in once a part has been sent; before, it lacks the date
    std::uint64_t body_at = 0;
    std::uint64_t body_end = 0;
    bool close_after = false;   // nothing follows the answer under way
    bool error = false;         // what follows in the input has no meaning
    bool lingering = false;     // our FIN is sent, the peer's is awaited
  };

  enum class AtOnce : std::uint8_t {
    kNotSimple,  // nothing was done
    kSent,       // the connection goes on
    kDone,       // closed, or on_writable goes on
  };

  // The common case: the buffer holds exactly one request, and its answer fits.
  AtOnce answer_at_once(Connection& connection, std::string_view input) {
    Request request;
    if (parse_request(input, request) != 200 || request.head_bytes != input.size() || request.body_bytes != 0 ||
        request.method != Method::kGet || files_ != nullptr || !fixed_->is_inline()) {
      return AtOnce::kNotSimple;
    }
    const Persistence persistence = draining_ ? Persistence::kClose : request.persistence;
    const std::string_view answer = fixed_answer(persistence);
    if (connection.send_room() < answer.size()) return AtOnce::kNotSimple;
    const std::size_t taken = connection.send(bytes_of(answer));
    const bool last = persistence == Persistence::kClose;
    if (taken < answer.size()) {
      State& state = take_state(connection);
      state.resource = fixed_;
      keep_head(state, answer.substr(taken));
      state.close_after = last;
      return AtOnce::kDone;
    }
    if (!last) return AtOnce::kSent;
    if (connection.readable() == 0) {
      connection.close();
    } else {
      linger(connection, take_state(connection));
    }
    return AtOnce::kDone;
  }

  // Goes on until it needs more input or more room, or is done with the connection.
  void run(Connection connection, State& state) {
    if (state.lingering) {
      drop_received(connection);
      if (connection.eof()) close(connection);
      return;
    }
    for (;;) {
      if (state.resource != nullptr && !send_more(connection, state)) return;
      if (state.close_after) return finish(connection, state);
      if (state.at == state.input.size() && !next_input(connection, state)) return;
      take_input(state);
    }
  }

  // False when there is no input: the connection waits, or is closed.
  bool next_input(Connection connection, State& state) {
    state.input = connection.receive();
    state.at = 0;
    if (!state.input.empty()) return true;
    if (!connection.eof()) {
      if (!state.head.empty() || state.skip != 0) return false;
      // An answer that a drain overtook promised to keep the connection; nobody asked for more yet.
      if (draining_) {
        close(connection);
      } else {
        give_state(connection);
      }
      return false;
    }
    if (state.head.empty() || state.skip != 0) {
      close(connection);
      return false;
    }
    // The rest of the request will never come.
    drop_head(state);
    refuse(state, 400);
    return true;
  }

  // One step into the input: skips a body, or parses a head and begins its answer.
  void take_input(State& state) {
    if (state.resource != nullptr) return;
    std::string_view fresh = text_of(state.input).substr(state.at);
    if (state.skip != 0) {
      const auto dropped = static_cast<std::size_t>(std::min<std::uint64_t>(state.skip, fresh.size()));
      state.skip -= dropped;
      state.at += dropped;
      return;
    }
    const std::size_t before = state.head.size();
    if (before == 0) {
      // RFC 9112 2.2: an empty line begins no request, for which somebody might wait.
      const std::size_t empty = std::min(fresh.find_first_not_of("\r\n"), fresh.size());
      state.at += empty;
      fresh.remove_prefix(empty);
      if (fresh.empty()) return;
    }
    const std::string_view more = fresh.substr(0, kMaxHead - before);
    if (before != 0) {
      state.head += more;
      held_heads_ += more.size();
    }
    Request request;
    const unsigned status = parse_request(before != 0 ? std::string_view(state.head) : fresh, request);
    if (status == 200) {
      state.at += request.head_bytes - before;
      begin_answer(state, request);
      drop_head(state);
    } else if (status == 0) {
      state.at += more.size();
      if (before == 0) {
        open_heads_.add(state, shard_->now());
        state.head = more;
        held_heads_ += more.size();
      }
      if (held_heads_ > kHeldHeadsMax) refuse(state, 503);
    } else {
      refuse(state, status);
    }
  }

  void begin_answer(State& state, const Request& request) {
    const bool served = request.method == Method::kGet || request.method == Method::kHead;
    if (served) {
      state.resource = files_ != nullptr ? files_->find(request.target, shard_->now()) : fixed_;
    } else {
      state.resource = error_resource(request.method == Method::kNotAllowed ? 405 : 501);
    }
    state.skip = request.body_bytes;
    const Persistence persistence = draining_ ? Persistence::kClose : request.persistence;
    state.close_after = persistence == Persistence::kClose;
    set_answer(state, persistence, request.method == Method::kHead);
  }

  void refuse(State& state, unsigned status) {
    state.resource = error_resource(status);
    state.error = true;
    state.close_after = true;
    drop_head(state);
    set_answer(state, Persistence::kClose, false);
  }

  static void set_answer(State& state, Persistence persistence, bool head_only) {
    const Resource& resource = *state.resource;
    const bool at_once = resource.is_inline() && !head_only;
    state.head_left = at_once ? resource.whole(persistence) : resource.head(persistence);
    state.body_at = 0;
    state.body_end = at_once || head_only ? 0 : resource.body_bytes();
  }

  // What is left of a head that has been sent in part: the next second's must not be in its middle.
  static void keep_head(State& state, std::string_view rest) {
    state.begun_head = rest;
    state.head_left = state.begun_head;
  }

  // In scratch_, until that is used again.
  std::string_view with_date(std::string_view head, const Resource& resource) {
    const std::string_view date = date_.line(shard_->now());
    if (date.empty()) return head;
    auto* const begin = reinterpret_cast<char*>(scratch_.data());
    char* end = std::ranges::copy(head.substr(0, resource.fields_at()), begin).out;
    end = std::ranges::copy(date, end).out;
    end = std::ranges::copy(head.substr(resource.fields_at()), end).out;
    return {begin, end};
  }

  // The answer to every GET where it is one piece; its text stays until the second is over.
  std::string_view fixed_answer(Persistence persistence) {
    const std::string_view date = date_.line(shard_->now());
    if (date.empty()) return fixed_->whole(persistence);
    if (dated_version_ != date_.version()) [[unlikely]] {
      dated_version_ = date_.version();
      for (std::size_t i = 0; i < kPersistences; ++i) {
        dated_[i] = fixed_->whole(static_cast<Persistence>(i));
        dated_[i].insert(fixed_->fields_at(), date);
      }
    }
    return dated_[static_cast<std::size_t>(persistence)];
  }

  // True when all of the answer is in the send queue; on_writable follows otherwise.
  bool send_more(Connection connection, State& state) {
    if (!state.head_left.empty()) {
      const bool begun = !state.begun_head.empty();
      const std::string_view head = begun ? state.head_left : with_date(state.head_left, *state.resource);
      const std::size_t taken = connection.send(bytes_of(head));
      if (taken < head.size()) {
        if (begun) {
          state.head_left.remove_prefix(taken);
        } else {
          keep_head(state, head.substr(taken));
        }
        return false;
      }
      state.head_left = {};
      state.begun_head.clear();
    }
    while (state.body_at < state.body_end) {
      // At least one byte is offered, so that on_writable follows when there is no room.
      const std::size_t max = std::max<std::size_t>(std::min(connection.send_room(), Resource::kPiece), 1);
      const std::span<const std::byte> piece = state.resource->piece(state.body_at, max, scratch_);
      if (piece.empty()) {
        abort(connection);
        return false;
      }
      const std::size_t taken = connection.send(piece);
      state.body_at += taken;
      if (taken < piece.size()) return false;
    }
    state.resource.reset();
    return true;
  }

  // The last answer is sent.
  void finish(Connection connection, State& state) {
    const bool more_may_come = state.error || state.skip != 0 || state.at < state.input.size() ||
                               connection.readable() != 0;
    if (!more_may_come || connection.eof()) return close(connection);
    linger(connection, state);
  }

  void linger(Connection connection, State& state) {
    state.input = Buffer();
    state.at = 0;
    drop_received(connection);
    if (connection.eof()) return close(connection);
    state.lingering = true;
    connection.shutdown_write();
    lingering_.add(connection, shard_->now());
  }

  void close(Connection connection) {
    drop_received(connection);
    give_state(connection);
    connection.close();
  }

  void abort(Connection connection) {
    give_state(connection);
    connection.abort();
  }

  void drop_head(State& state) {
    if (state.head.empty()) return;
    open_heads_.remove(state);
    held_heads_ -= state.head.size();
    state.head = std::string();
  }

  State& take_state(Connection connection) {
    State* state = states_.take();
    state->connection = connection;
    connection.set_context(state);
    return *state;
  }

  void give_state(Connection connection) {
    auto* state = static_cast<State*>(connection.context());
    if (state == nullptr) return;
    connection.set_context(nullptr);
    drop_head(*state);
    *state = State();
    states_.give(state);
  }

  ResourcePtr fixed_;                 // what every GET is answered with, unless there is a root
  std::unique_ptr<FileCache> files_;
  HttpDate date_;
  std::array<std::string, kPersistences> dated_;  // fixed_ whole, of the second of dated_version_
  std::uint64_t dated_version_ = 0;
  Shard* shard_ = nullptr;
  bool draining_ = false;
  std::size_t held_heads_ = 0;
  OpenHeads open_heads_;
  Pool<State> states_;
  DelayedClose lingering_{kLinger};
  std::array<std::byte, Resource::kPiece> scratch_;
};

}  // namespace

Result<ServiceFactory> make_http(const ServiceConfig& config) {
  ResourcePtr fixed;
  std::shared_ptr<const FileRoot> root;
  if (const auto path = text_option(config.options, "root")) {
    auto opened = FileRoot::open(std::string(*path));
    if (!opened) return option_error(config, "root", opened.error().message, "");
    root = *opened;
  } else if (const auto file = text_option(config.options, "file")) {
    auto loaded = load_file(std::string(*file));
    if (!loaded) return option_error(config, "file", loaded.error().message, "");
    fixed = *loaded;
  } else {
    fixed = Resource::generated(number_option(config.options, "body_bytes").value_or(0));
  }
  const auto head_timeout = Duration::seconds(
      static_cast<std::int64_t>(number_option(config.options, "head_timeout_s").value_or(kHeadTimeout)));
  const bool has_clock = text_option(config.options, "time").value_or("wall") == "wall";
  return ServiceFactory([=](unsigned) { return std::make_unique<Http>(fixed, root, head_timeout, has_clock); });
}

}  // namespace sluice::app
