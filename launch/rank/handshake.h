// The handshake: the first messages of a job.
//
//   kHandshake       text: the sender's build, a line break, the host it runs on
//   kHandshakeReply  strings (ByteWriter): the host of each rank, the folder of rows to load or
//                    nothing; u64: whether the model's own weights get their first values;
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
/// Throws Error, naming the rank it came from, on a malformed handshake.
Handshake ParseHandshake(const net::Frame& handshake);

/// What rank 0 tells all others: where each rank runs, the job, and for an evaluation the model
/// that it is about.
struct HandshakeReply {
  std::vector<std::string> hosts;  // [rank]
  job::JobStart start;
};
std::string SerializeHandshakeReply(const HandshakeReply& reply);
/// Throws Error, naming the rank it came from, unless it is a job that rank 0 could have loaded.
HandshakeReply ParseHandshakeReply(const net::Frame& reply, Command command,
                                   const net::RoleMap& roles);

/// On every rank but 0: says which build this is, and where it runs.
void SendHandshake(net::Mailbox* mailbox);
/// On rank 0: waits for the handshakes of all others; returns the host of each rank. Throws Error
/// on one of another build, naming both hosts.
std::vector<std::string> AwaitHandshakes(net::Mailbox* mailbox);

}  // namespace zhiyin::launch::rank
