// SPDX-License-Identifier: BSD-3-Clause
// The kernel beside us: the least that serves the same connections with epoll. One thread; answers
// whatever arrives with a fixed response and closes first.
//   kernel_server ADDRESS PORT BODY_BYTES
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: kernel_server ADDRESS PORT BODY_BYTES\n");
    return 2;
  }
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  if (::inet_pton(AF_INET, argv[1], &address.sin_addr) != 1 ||
      ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 || ::listen(listener, 65535) != 0) {
    std::perror("kernel_server");
    return 1;
  }
  const std::string body(static_cast<std::size_t>(std::atoi(argv[3])), 'x');
  const std::string response = "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const int poll = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  ::epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  std::puts("ready");
  std::fflush(stdout);
  std::array<epoll_event, 256> events{};
  std::array<char, 4096> buffer{};
  for (;;) {
    const int n = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd != listener) {
        if (::read(fd, buffer.data(), buffer.size()) > 0) (void)!::write(fd, response.data(), response.size());
        ::close(fd);
        continue;
      }
      for (int taken = 0; taken < 256; ++taken) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (client < 0) break;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        event.data.fd = client;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
      }
    }
  }
}
