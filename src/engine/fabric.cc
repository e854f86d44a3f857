// SPDX-License-Identifier: BSD-3-Clause
#include "engine/fabric.h"

namespace sluice::engine {

Fabric::Fabric(unsigned shards) : shards_(shards) {
  for (unsigned i = 0; i < shards * shards; ++i) rings_.push_back(std::make_unique<Ring>(kRing));
  for (unsigned i = 0; i < (shards + 1) * shards; ++i) mailboxes_.push_back(std::make_unique<Mailbox>(kMailbox));
}

Fabric::~Fabric() {
  for (const auto& mailbox : mailboxes_) mailbox->consume_all([](Task* task) { delete task; });
}

}  // namespace sluice::engine
