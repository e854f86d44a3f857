// SPDX-License-Identifier: BSD-3-Clause
// What scripts about explicit congestion notification begin with.
#pragma once

#include "script/dialogue.h"

namespace sluice::script {

inline Scene with_ecn(CongestionControl algorithm = CongestionControl::kNewReno) {
  Scene scene;
  scene.host.stack.ecn = true;
  scene.options.congestion_control = algorithm;
  return scene;
}

inline void establish_with_ecn(Dialogue& d) {
  d.send(SYN | ECE | CWR, mss(1000));
  d.expect(SYN | ACK | ECE, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
}

}  // namespace sluice::script
