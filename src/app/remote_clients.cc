// SPDX-License-Identifier: BSD-3-Clause
#include "app/remote_clients.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::app {
namespace {

Error cannot(const std::string& path, const std::string& why) {
  return Error{Errc::kInvalid, path + ": " + why + "; name a path that a socket can be made at"};
}

std::string last_error() { return std::generic_category().message(errno); }

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

int stream_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

// Somebody accepts connections there.
bool answers(const sockaddr_un& address) {
  const int fd = stream_socket();
  if (fd < 0) return false;
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const bool there = result == 0 || errno == EAGAIN;
  ::close(fd);
  return there;
}

// What a client that has left may still have done for it: what takes nothing and makes
// nothing that only its answer would name.
bool done_unheard(Verb verb) noexcept {
  switch (verb) {
    case Verb::kSend:
    case Verb::kShutdown:
    case Verb::kClose:
    case Verb::kAbort:
    case Verb::kSet:
    case Verb::kReset: return true;
    case Verb::kListen:
    case Verb::kAccept:
    case Verb::kConnect:
    case Verb::kRecv:
    case Verb::kPoll:
    case Verb::kGet: break;
  }
  return false;
}

}  // namespace

Result<void> RemoteClients::check(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return cannot(path, "too long");
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) return cannot(path, "something else is there");
    if (answers(*address)) return cannot(path, "in use by another process");
    return {};
  }
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (access(directory.c_str(), W_OK | X_OK) != 0) return cannot(path, last_error());
  return {};
}

Result<std::unique_ptr<RemoteClients>> RemoteClients::open(const std::string& path) {
  if (Result<void> checked = check(path); !checked) return checked.error();
  const auto address = address_of(path);
  const int listener = stream_socket();
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::unique_ptr<RemoteClients> made(new RemoteClients({}, listener, epoll));
  if (listener < 0 || epoll < 0) return cannot(path, last_error());
  unlink(path.c_str());
  // Nobody can connect before listen(), so nobody can before the mode is set either.
  epoll_event event{};
  event.events = EPOLLIN;
  if (bind(listener, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    return cannot(path, last_error());
  }
  made->path_ = path;
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(listener, SOMAXCONN) != 0 ||
      epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) {
    return cannot(path, last_error());
  }
  return made;
}

RemoteClients::~RemoteClients() {
  for (const Client& client : clients_) ::close(client.fd);
  if (listener_ >= 0) ::close(listener_);
  if (epoll_ >= 0) ::close(epoll_);
  if (!path_.empty()) unlink(path_.c_str());
}

void RemoteClients::accept_clients() {
  for (int fd = 0; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    if (clients_.size() >= kClientsMax) {
      ::close(fd);
      continue;
    }
    Client& client = clients_.emplace_back();
    client.fd = fd;
    client.self = std::prev(clients_.end());
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      ::close(fd);
      clients_.pop_back();
    }
  }
}

void RemoteClients::watch(Client& client, bool readable) const {
  epoll_event event{};
  event.events = readable ? EPOLLIN : 0U;  // EPOLLHUP is told always
  event.data.ptr = &client;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event);
}

void RemoteClients::read(Client& client) const {
  static thread_local std::array<char, 65536> piece;
  for (std::size_t total = 0; total < kReadAPoll && !client.input_over;) {
    const ssize_t n = ::recv(client.fd, piece.data(), piece.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      client.left = client.left || n < 0;
      client.input_over = true;
      client.input.finish();
      watch(client, false);
      return;
    }
    client.input.append({piece.data(), static_cast<std::size_t>(n)});
    total += static_cast<std::size_t>(n);
  }
}

void RemoteClients::poll(RemoteDesk& desk, Instant now) {
  std::array<epoll_event, 64> events;
  const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  bool newcomers = false;
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    auto* client = static_cast<Client*>(event.data.ptr);
    if (client == nullptr) {
      newcomers = true;
      continue;
    }
    if (!client->paused || (event.events & EPOLLHUP) != 0) read(*client);
    if ((event.events & (EPOLLHUP | EPOLLERR)) != 0) client->left = true;
  }
  if (newcomers) accept_clients();

  for (auto next = clients_.begin(); next != clients_.end();) {
    Client& client = *next++;
    if (client.left) {
      serve_left(client, desk, now);
      // What it sent last is read and done before it is forgotten.
      if (!client.input_over || client.input.size() != 0) continue;
    } else {
      serve(client, desk, now);
      write(client);
      const bool pause = client.input.size() > kRemoteLineMax;
      if (pause != client.paused && !client.input_over) watch(client, !pause);
      client.paused = pause;
      if (client.left) continue;
      const bool finished = client.input_over && client.input.size() == 0 && !client.waiting && client.output.empty();
      if (!finished) continue;
    }
    ::close(client.fd);
    clients_.erase(client.self);
  }
}

// Each waiting request is gone on with once; an answer lets the next line begin.
void RemoteClients::serve(Client& client, RemoteDesk& desk, Instant now) {
  for (int n = 0; n < kRequestsAPoll && client.output.size() - client.written < kOutputMax; ++n) {
    if (!client.waiting) {
      const auto line = client.input.next();
      if (!line) return;
      if (line->too_long) {
        client.output.append(error_text(Errc::kInvalid)).append("\n");
        continue;
      }
      client.waiting = RemoteDesk::begin(line->text, now);
    }
    const auto answer = desk.step(*client.waiting, now);
    if (!answer) return;
    client.waiting.reset();
    client.output.append(*answer).append("\n");
  }
}

void RemoteClients::serve_left(Client& client, RemoteDesk& desk, Instant now) {
  if (client.waiting) desk.cancel(*client.waiting);
  client.waiting.reset();
  client.input.finish();
  for (int n = 0; n < kRequestsAPoll; ++n) {
    const auto line = client.input.next();
    if (!line) return;
    if (line->too_long) continue;
    WaitingRequest request = RemoteDesk::begin(line->text, now);
    if (request.not_understood != Errc::kOk || !done_unheard(request.request->verb)) continue;
    static_cast<void>(desk.step(request, now));
    desk.cancel(request);
  }
}

void RemoteClients::write(Client& client) {
  while (client.written < client.output.size()) {
    const ssize_t n = ::send(client.fd, client.output.data() + client.written, client.output.size() - client.written,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      client.left = client.left || (errno != EAGAIN && errno != EWOULDBLOCK);
      return;
    }
    client.written += static_cast<std::size_t>(n);
  }
  client.output.clear();
  client.written = 0;
}

}  // namespace sluice::app
