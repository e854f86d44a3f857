// SPDX-License-Identifier: BSD-3-Clause
#include "app/http_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "app/http_path.h"

namespace sluice::app {
namespace {

constexpr std::uint64_t kServedInMemoryMax = 64ULL << 20;

// What a target names is not there, or may not be served; anything else is trouble of ours, and may pass.
bool is_absent(int error) noexcept {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case ELOOP:
    case EXDEV:  // it leads out of the root
    case ENAMETOOLONG:
    case ENXIO:  // a socket
      return true;
    default: return false;
  }
}

std::string last_error() { return std::generic_category().message(errno); }

// A resolved path as a target of our own making. The one that was sent may begin with "//host" or "/\host" and lead back
// by "..": in a Location it would send the client there (RFC 3986 4.2).
std::string target_of(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string target = "/";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
                       c == '_' || c == '~' || c == '/';
    if (plain) {
      target += c;
    } else {
      target.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
    }
  }
  return target;
}

Error cannot(const std::string& path, const std::string& why, const char* remedy) {
  return Error{Errc::kInvalid, path + ": " + why + "; " + remedy};
}

}  // namespace

Result<std::shared_ptr<const FileRoot>> FileRoot::open(const std::string& path) {
  File directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0) return cannot(path, last_error(), "name a directory that can be read");
  return std::shared_ptr<const FileRoot>(new FileRoot(std::move(directory)));
}

File FileRoot::open_below(const std::string& relative) const noexcept {
  open_how how{};
  // A FIFO or a device must not stop the loop.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return File(static_cast<int>(syscall(SYS_openat2, directory_.fd(), relative.c_str(), &how, sizeof(how))));
}

std::shared_ptr<const Resource> FileCache::find(std::string_view target, Instant now) {
  std::array<char, kMaxTarget> scratch;
  const auto path = resolve_target(target, scratch);
  if (!path) return error_resource(400);
  const auto found = entries_.find(*path);
  if (found != entries_.end() && now - found->second.checked < kTrust) {
    found->second.used = now;
    return found->second.resource;
  }
  return load(*path, now);
}

std::shared_ptr<const Resource> FileCache::load(std::string_view path, Instant now) {
  std::string name(path);
  if (path.empty() || path.ends_with('/')) name += "index.html";
  File file = open_below_root(name);
  struct stat info {};
  if (file.fd() < 0 || fstat(file.fd(), &info) != 0) {
    if (!is_absent(errno)) return error_resource(503);
    if (const auto stale = entries_.find(path); stale != entries_.end()) entries_.erase(stale);
    return error_resource(404);
  }
  if (S_ISDIR(info.st_mode)) {
    if (name != path) return error_resource(404);  // a directory called index.html
    return Resource::text(301, "text/plain", "Moved Permanently\n", "Location: " + target_of(path) + "/\r\n");
  }
  if (!S_ISREG(info.st_mode)) return error_resource(404);

  const Identity identity{info.st_dev,         info.st_ino,          info.st_size,        info.st_mtim.tv_sec,
                          info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
  const auto known = entries_.find(path);
  if (known != entries_.end() && known->second.identity == identity) {
    known->second.checked = known->second.used = now;
    return known->second.resource;
  }
  const std::string_view type = content_type(name);
  auto resource = Resource::file(std::move(file), static_cast<std::uint64_t>(info.st_size), type, kInMemoryMax);
  if (resource == nullptr) return error_resource(503);
  if (known == entries_.end()) make_room();
  entries_.insert_or_assign(std::string(path), Entry{resource, identity, now, now});
  return resource;
}

void FileCache::make_room() {
  if (entries_.size() < kEntries) return;
  const auto used = [](const auto& a, const auto& b) { return a.second.used < b.second.used; };
  entries_.erase(std::ranges::min_element(entries_, used));
}

bool FileCache::close_one() {
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    const auto& resource = entry->second.resource;
    if (!resource->holds_file() || resource.use_count() != 1) continue;
    if (oldest == entries_.end() || entry->second.used < oldest->second.used) oldest = entry;
  }
  if (oldest == entries_.end()) return false;
  entries_.erase(oldest);
  return true;
}

// The caches of all shards together may hold more files than the process may have open.
File FileCache::open_below_root(const std::string& name) {
  File file = root_->open_below(name);
  if (file.fd() >= 0 || (errno != EMFILE && errno != ENFILE)) return file;
  const int error = errno;
  if (close_one()) return root_->open_below(name);
  errno = error;
  return file;
}

Result<std::shared_ptr<const Resource>> load_file(const std::string& path) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (file.fd() < 0 || fstat(file.fd(), &info) != 0) {
    return cannot(path, last_error(), "name a file that can be read");
  }
  if (!S_ISREG(info.st_mode)) return cannot(path, "not a regular file", "name a file, or a directory with root");
  auto resource =
      Resource::file(std::move(file), static_cast<std::uint64_t>(info.st_size), content_type(path), kServedInMemoryMax);
  if (resource == nullptr) return cannot(path, "cannot be read whole", "look at the file");
  return resource;
}

}  // namespace sluice::app
