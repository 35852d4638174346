// The handshake: the first messages of a job.
//
//   kHandshake       text: the sender's build, a line break, the host it runs on
//   kHandshakeReply  strings (ByteWriter): the host of each rank, the folder of rows to load or
//                    nothing; u64: whether the dense weights must be initialized;
//                    a string: a Manifest in binary
#pragma once

#include <string>
#include <vector>

#include "common/net/frame.h"
#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "launch/job/resume.h"
#include "launch/rank/run_rank.h"

namespace zhiyin::launch::rank {

struct Handshake {
  std::string build;  // Fingerprint()
  std::string host;
};
/// Throws Error, naming the sender, on a malformed handshake.
Handshake ParseHandshake(const net::Frame& handshake);

/// The reply of rank 0 to all others: the host of each rank, the job, and, for an evaluation or a
/// prediction, the model.
struct HandshakeReply {
  std::vector<std::string> hosts;  // [rank]
  job::JobStart start;
};
std::string SerializeHandshakeReply(const HandshakeReply& reply);
/// Throws Error, naming the sender, unless rank 0 could have sent this job for this command.
HandshakeReply ParseHandshakeReply(const net::Frame& reply, Command command,
                                   const net::RoleMap& roles);

/// Sends rank 0 the build and the host of this rank. Called on all other ranks.
void SendHandshake(net::Mailbox* mailbox);
/// Waits for the handshakes of all other ranks; returns the host of each rank. Called on rank 0.
/// Throws Error, naming both hosts, when a rank runs another build.
std::vector<std::string> AwaitHandshakes(net::Mailbox* mailbox);

}  // namespace zhiyin::launch::rank
