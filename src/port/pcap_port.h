// SPDX-License-Identifier: BSD-3-Clause
// Captures as a port: frames of one file arrive on their own clock, answers are
// written to another with the same clock, so that equal input gives equal bytes.
// Instants count from the capture's first frame. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "port/port.h"
#include "sluice/error.h"

struct pcap;
struct pcap_dumper;

namespace sluice::port {

struct CapturedFrame {
  std::vector<std::uint8_t> bytes;
  Instant at;
};

class PcapReader {
 public:
  // Errors (kIo, kInvalid) name the file, and the frame by its number from 1: not a
  // capture, link type other than Ethernet. "-" is not standard input here.
  [[nodiscard]] static Result<std::unique_ptr<PcapReader>> open(const std::string& path);
  ~PcapReader();
  PcapReader(const PcapReader&) = delete;
  PcapReader& operator=(const PcapReader&) = delete;

  // The next frame; nothing at the end of the file. kInvalid for a frame that is cut
  // short or earlier than the one before it, and for a file that ends inside a frame.
  [[nodiscard]] Result<std::optional<CapturedFrame>> next();
  // Time of the first frame, us since 1970; 0 until next() has given it.
  [[nodiscard]] std::int64_t origin_us() const noexcept { return origin_us_; }

 private:
  PcapReader() = default;
  pcap* file_ = nullptr;
  std::string path_;
  std::uint64_t frames_ = 0;
  std::int64_t origin_us_ = 0;
  std::int64_t last_us_ = 0;
};

// What a whole capture holds, once every frame of it was found good.
struct CaptureSummary {
  std::uint64_t frames = 0;
  std::int64_t origin_us = 0;  // us since 1970 of the first frame
  Instant end;                 // of the last frame
  std::size_t longest = 0;     // bytes of the longest frame
};
[[nodiscard]] Result<CaptureSummary> check_capture(const std::string& path);

class PcapWriter {
 public:
  // Instant 0 is written as `origin_us`. Replaces the file. Error: kIo.
  [[nodiscard]] static Result<std::unique_ptr<PcapWriter>> open(const std::string& path, std::int64_t origin_us);
  ~PcapWriter();
  PcapWriter(const PcapWriter&) = delete;
  PcapWriter& operator=(const PcapWriter&) = delete;

  // An Ethernet frame without its checksum, at `at` rounded down to us.
  void write(std::span<const std::uint8_t> frame, Instant at) noexcept;
  // Everything on disk? kIo if not (disk full). Nothing may be written afterwards.
  [[nodiscard]] Result<void> close();

 private:
  PcapWriter() = default;
  pcap* format_ = nullptr;
  pcap_dumper* file_ = nullptr;
  std::string path_;
  std::int64_t origin_us_ = 0;
};

class PcapPort final : public Port {
 public:
  // All must outlive the port; without a writer what is transmitted is only counted.
  PcapPort(std::string name, BufSource& source, PcapReader& reader, PcapWriter* writer, MacAddress mac,
           std::uint8_t index = 0);

  // When the next frame of the capture arrives; Instant::never() at its end.
  [[nodiscard]] Instant next_arrival() const noexcept { return waiting_ ? waiting_->at : Instant::never(); }
  // Why reading stopped before the end of the file, if it did.
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

  std::size_t receive(unsigned queue, std::span<Buf*> out, Instant now) noexcept override;
  std::size_t transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept override;
  [[nodiscard]] const Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] MacAddress mac() const noexcept override { return mac_; }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] PortStats stats() const override { return stats_; }

 private:
  void read_next();

  std::string name_;
  BufSource& source_;
  PcapReader& reader_;
  PcapWriter* writer_;
  MacAddress mac_;
  std::uint8_t index_;
  Capabilities capabilities_;
  std::optional<CapturedFrame> waiting_;
  std::optional<Error> failure_;
  std::vector<std::uint8_t> scratch_;
  PortStats stats_;
};

}  // namespace sluice::port
