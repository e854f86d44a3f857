// SPDX-License-Identifier: BSD-3-Clause
#include "cli/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/conn_filter.h"
#include "cli/stats_json.h"
#include "port/lcores.h"

namespace sluice::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxRequest = 4096;
constexpr std::size_t kMaxAsking = 64;   // clients that have not asked yet; more wait in the backlog
constexpr std::size_t kChunk = 65536;

Error system_error(Errc code, const std::string& what, const std::string& path) {
  const int number = errno;
  if (number == EACCES || number == EPERM) code = Errc::kPermission;
  return Error{code, fmt::format("{}: {} ({})", path, what, std::strerror(number))};
}

bool fill_address(const std::string& path, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

// Holds an exclusive lock on `path` that ends with this process, however it ends.
Result<OwnedFd> take_lock(const std::string& path) {
  for (;;) {
    OwnedFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return system_error(Errc::kIo, "cannot be opened", path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return Error{Errc::kBusy, fmt::format("{}: an instance of this name is running; stop it, or give this one "
                                              "another dpdk.instance",
                                              path)};
      }
      return system_error(Errc::kIo, "cannot be locked", path);
    }
    // A leaving instance removes the file it holds: the lock counts on the file that is there now.
    struct stat held {};
    struct stat there {};
    if (::fstat(fd.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino) return fd;
  }
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (std::size_t from = 0; from <= line.size();) {
    const std::size_t to = std::min(line.find(' ', from), line.size());
    if (to > from) words.push_back(line.substr(from, to - from));
    from = to + 1;
  }
  return words;
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

int OwnedFd::release() noexcept { return std::exchange(fd_, -1); }

Result<std::unique_ptr<ControlServer>> ControlServer::create(const std::string& path, std::chrono::milliseconds patience) {
  sockaddr_un address;
  if (!fill_address(path, address)) return Error{Errc::kInvalid, fmt::format("{}: too long for a socket", path)};
  std::error_code made;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), made);
  std::unique_ptr<ControlServer> server(new ControlServer(patience));
  server->cpus_ = port::allowed_cpus();
  const std::string lock_path = path + ".lock";
  Result<OwnedFd> lock = take_lock(lock_path);
  if (!lock.ok()) return lock.error();
  server->lock_ = std::move(lock).value();
  server->lock_path_ = lock_path;

  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode)) {
      return Error{Errc::kBusy, fmt::format("{}: in the way and not a socket; remove it", path)};
    }
    ::unlink(path.c_str());  // whoever made it is dead, or the lock were held
  }
  server->listener_ = OwnedFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  server->wake_ = OwnedFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (server->listener_.get() < 0 || server->wake_.get() < 0) return system_error(Errc::kIo, "no socket", path);
  if (::bind(server->listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_error(Errc::kIo, "cannot be bound", path);
  }
  server->path_ = path;
  // Nobody can connect before listen(), so there is no moment with looser rights.
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(server->listener_.get(), 16) != 0) {
    return system_error(Errc::kIo, "cannot be listened on", path);
  }
  return server;
}

ControlServer::~ControlServer() {
  stop();
  if (!path_.empty()) ::unlink(path_.c_str());
  if (!lock_path_.empty()) ::unlink(lock_path_.c_str());
}

void ControlServer::start(ControlCallbacks callbacks, std::string_view lcores) {
  callbacks_ = std::move(callbacks);
  if (cpus_) cpus_ = port::cpus_beside(lcores, *cpus_);
  // Signals belong to the main thread: this one starts with all of them blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] {
    // By now the thread that starts this one is bound to its shard's core, and its children with it.
    if (cpus_) static_cast<void>(::sched_setaffinity(0, sizeof *cpus_, &*cpus_));
    serve();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ControlServer::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) == sizeof one) thread_.join();
}

// False when the server is to stop, or the client has used up its time.
bool ControlServer::wait_to_send(Asked& client) const {
  std::array<pollfd, 2> fds = {pollfd{client.fd, POLLOUT, 0}, pollfd{wake_.get(), POLLIN, 0}};
  int ready = 0;
  do {
    const Clock::time_point before = Clock::now();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(client.left).count();
    ready = left <= 0 ? 0 : ::poll(fds.data(), fds.size(), static_cast<int>(left));
    client.left -= Clock::now() - before;
  } while (ready < 0 && errno == EINTR);
  return ready > 0 && fds[1].revents == 0;
}

void ControlServer::serve() {
  std::vector<Asking> asking;
  std::vector<pollfd> fds;
  for (;;) {
    fds.assign({pollfd{wake_.get(), POLLIN, 0}, pollfd{asking.size() < kMaxAsking ? listener_.get() : -1, POLLIN, 0}});
    int timeout = -1;
    for (const Asking& client : asking) {
      fds.push_back({client.fd.get(), POLLIN, 0});
      const int left = std::max(0, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(client.until - Clock::now()).count()));
      timeout = timeout < 0 ? left : std::min(timeout, left);
    }
    if (::poll(fds.data(), fds.size(), timeout) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (fds[0].revents != 0) return;
    const Clock::time_point woken = Clock::now();
    std::vector<Asking> still;
    for (std::size_t i = 0; i < asking.size(); ++i) {
      const bool more = fds[i + 2].revents != 0 ? go_on(asking[i]) : true;
      if (more && woken < asking[i].until) still.push_back(std::move(asking[i]));
    }
    // What the answers of some took is not the others' delay.
    for (Asking& client : still) client.until += Clock::now() - woken;
    asking = std::move(still);
    if (fds[1].revents != 0) accept_client(asking);
  }
}

void ControlServer::accept_client(std::vector<Asking>& asking) const {
  OwnedFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (client.get() >= 0) {
    asking.push_back({std::move(client), "", Clock::now() + patience_});
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
    // The client stays in the backlog; wait a little rather than spin.
    pollfd wake{wake_.get(), POLLIN, 0};
    ::poll(&wake, 1, 100);
  }
}

void ControlServer::serve_client(int fd, const std::string& request) const {
  Asked client{fd, patience_};
  try {
    answer(client, request);
  } catch (const std::exception& error) {
    // Out of memory for a huge answer: the engine goes on, the client is told.
    static_cast<void>(send_all(client, fmt::format("error {}\n", error.what())));
  }
}

// What lies unread when a socket is closed makes an error of the answer behind it.
void ControlServer::drop_input(int fd) {
  std::array<char, 4096> block{};
  for (int i = 0; i < 256 && ::recv(fd, block.data(), block.size(), MSG_DONTWAIT) > 0; ++i) {}
}

bool ControlServer::go_on(Asking& client) const {
  std::array<char, 512> block{};
  const ssize_t got = ::recv(client.fd.get(), block.data(), block.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  client.line.append(block.data(), static_cast<std::size_t>(got));
  if (const std::size_t end = client.line.find('\n'); end != std::string::npos) {
    serve_client(client.fd.get(), client.line.substr(0, end));
    return false;
  }
  if (client.line.size() < kMaxRequest) return true;
  Asked asked{client.fd.get(), patience_};
  static_cast<void>(send_all(asked, fmt::format("error the request is too long; send less than {} bytes\n", kMaxRequest)));
  drop_input(client.fd.get());
  return false;
}

bool ControlServer::send_all(Asked& client, const std::string& text) const {
  std::size_t sent = 0;
  while (sent < text.size()) {
    if (!wait_to_send(client)) return false;
    const ssize_t got = ::send(client.fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (got < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (got > 0) sent += static_cast<std::size_t>(got);
  }
  return true;
}

void ControlServer::answer(Asked& client, const std::string& request) const {
  std::vector<std::string> words = words_of(request);
  const std::string command = words.empty() ? "" : words.front();
  if (!words.empty()) words.erase(words.begin());
  if (command == "stats") {
    const bool explain = !words.empty() && words.front() == "explain";
    static_cast<void>(send_all(client, "ok\n" + stats_json(callbacks_.stats(), explain).dump() + "\nend\n"));
  } else if (command == "conns") {
    answer_connections(client, words);
  } else {
    static_cast<void>(send_all(client, "error unknown request; send stats or conns\n"));
  }
}

void ControlServer::answer_connections(Asked& client, const std::vector<std::string>& filters) const {
  const Result<ConnFilter> filter = ConnFilter::parse(filters);
  if (!filter.ok()) {
    static_cast<void>(send_all(client, "error " + filter.error().message + "\n"));
    return;
  }
  // "ok" goes with the first chunk, so that an error that comes before it can still be told.
  std::string chunk = "ok\n";
  bool begun = false;
  bool there = true;
  const Result<void> listed = callbacks_.connections([&filter](const ConnectionReport& report) { return filter->passes(report); },
                                                     [&](const std::vector<ConnectionReport>& some) {
                                                       for (const ConnectionReport& report : some) {
                                                         chunk += connection_json(report).dump() + "\n";
                                                         if (chunk.size() < kChunk) continue;
                                                         begun = true;
                                                         there = send_all(client, chunk);
                                                         if (!there) break;
                                                         chunk.clear();
                                                       }
                                                       return there;
                                                     });
  if (!there || (begun && !listed.ok())) return;  // cut short, which the client sees
  static_cast<void>(send_all(client, listed.ok() ? chunk + "end\n" : "error " + listed.error().message + "\n"));
}

namespace {

Result<std::string> exchange(int fd, const std::string& path, const std::string& request,
                             std::chrono::milliseconds timeout) {
  const std::string line = request + "\n";
  if (::send(fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    return system_error(Errc::kIo, "cannot be asked", path);
  }
  std::string text;
  std::vector<char> block(kChunk);
  for (;;) {
    pollfd readable{fd, POLLIN, 0};
    const int ready = ::poll(&readable, 1, static_cast<int>(timeout.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Error{Errc::kTimedOut, fmt::format("{}: no answer in {} ms", path, timeout.count())};
    const ssize_t got = ::recv(fd, block.data(), block.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(Errc::kIo, "the answer broke off", path);
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<std::vector<std::string>> ask_instance(const std::string& path, const std::string& request,
                                              std::chrono::milliseconds timeout) {
  sockaddr_un address;
  if (!fill_address(path, address)) return Error{Errc::kInvalid, fmt::format("{}: too long for a socket", path)};
  const OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return system_error(Errc::kIo, "no socket", path);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_error(Errc::kNoDevice, "no instance answers", path);
  }
  const Result<std::string> text = exchange(fd.get(), path, request, timeout);
  if (!text.ok()) return text.error();

  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text->size();) {
    const std::size_t end = std::min(text->find('\n', from), text->size());
    lines.push_back(text->substr(from, end - from));
    from = end + 1;
  }
  if (!lines.empty() && lines.front().starts_with("error ")) return Error{Errc::kInvalid, lines.front().substr(6)};
  if (lines.size() < 2 || lines.front() != "ok" || lines.back() != "end") {
    return Error{Errc::kIo, fmt::format("{}: the answer was cut short; ask again", path)};
  }
  lines.erase(lines.begin());
  lines.pop_back();
  return lines;
}

}  // namespace sluice::cli
