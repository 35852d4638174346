// Sends the replies of a server.
#pragma once

#include <utility>

#include "common/net/mailbox.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// Sends replies, and counts the bytes of all frames that the server receives and sends. Borrows
/// the mailbox and the state; used by the rank's thread.
class Replies {
 public:
  Replies(net::Mailbox* mailbox, ServerState* state) : mailbox_(mailbox), state_(state) {}

  void Send(int rank, net::Frame frame) {
    const ScopedStage stage(&state_->stages, ServerStage::kSend);
    CountTraffic(frame);
    mailbox_->Send(rank, std::move(frame));
  }
  void CountTraffic(const net::Frame& frame) {
    state_->report.traffic[static_cast<size_t>(state_->server)] +=
        static_cast<int64_t>(frame.bytes().size());
  }

 private:
  net::Mailbox* mailbox_;
  ServerState* state_;
};

}  // namespace zhiyin::ps::server
