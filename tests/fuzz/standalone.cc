// SPDX-License-Identifier: BSD-3-Clause
// TARGET [--mutations N] PATH...: a fuzz target without libFuzzer, for any compiler. Runs each file (of each folder),
// and N simple mutations of it, always the same ones. No input at all is a failure.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/rng.h"
#include "fuzz/input.h"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void mutate(Bytes& bytes, sluice::Rng& rng) {
  for (std::uint32_t i = 1 + rng.below(4); i != 0; --i) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    const auto value = static_cast<std::uint8_t>(rng.next());
    const std::uint32_t at = rng.below(size + 1);
    switch (rng.below(4)) {
      case 0: bytes.insert(bytes.begin() + at, value); break;
      case 1: if (at < size) bytes.erase(bytes.begin() + at); break;
      case 2: if (at < size) bytes[at] = value; break;
      default: if (at < size) bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1U << rng.below(8))); break;
    }
  }
}

// A crash must leave its input behind, as libFuzzer would.
void run(const Bytes& bytes) {
  static const char* keep = std::getenv("SLUICE_FUZZ_KEEP");
  if (keep != nullptr) {
    std::ofstream(keep, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  unsigned long mutations = 0;
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--mutations") == 0 && i + 1 < argc) {
      mutations = std::strtoul(argv[++i], nullptr, 10);
    } else if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::directory_iterator(argv[i])) files.push_back(entry.path());
    } else {
      files.emplace_back(argv[i]);
    }
  }
  std::sort(files.begin(), files.end());
  unsigned long runs = 0;
  sluice::Rng rng(1);
  for (const auto& path : files) {
    const Bytes original = read(path);
    run(original);
    ++runs;
    for (unsigned long n = 0; n < mutations; ++n, ++runs) {
      Bytes mutated = original;
      mutate(mutated, rng);
      run(mutated);
    }
  }
  std::printf("%zu inputs, %lu runs\n", files.size(), runs);
  return files.empty() ? 1 : 0;
}
