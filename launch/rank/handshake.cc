#include "launch/rank/handshake.h"

#include <limits>

#include "common/bytes.h"
#include "common/error.h"
#include "launch/job/load_job.h"
#include "launch/rank/fingerprint.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::launch::rank {
namespace {

/// More than any system allows.
constexpr size_t kMaxHostBytes = 1024;

}  // namespace

Handshake ParseHandshake(const net::Frame& handshake) {
  const std::string_view text = handshake.text();
  const size_t end = text.find('\n');
  if (end == text.npos || text.size() - end - 1 > kMaxHostBytes || end > kMaxHostBytes)
    Fail(net::NameOf(handshake), ": ", text.size(), " bytes, expected a build and a host");
  return {std::string(text.substr(0, end)), std::string(text.substr(end + 1))};
}

std::string SerializeHandshakeReply(const HandshakeReply& reply) {
  ByteWriter out;
  for (const std::string& host : reply.hosts) out.PutString(host);
  out.PutString(reply.start.rows);
  out.Put(uint64_t{reply.start.inits_dense});
  out.PutString(reply.start.manifest.SerializeAsString());
  return out.Take();
}

HandshakeReply ParseHandshakeReply(const net::Frame& frame, Command command,
                                   const net::RoleMap& roles) {
  const std::string where = "configuration from rank " + std::to_string(frame.source());
  if (frame.source() != 0) Fail(where, ": expected it from rank 0");
  HandshakeReply reply;
  ByteReader in(frame.text(), where);
  for (int rank = 0; rank < roles.n_ranks(); ++rank) reply.hosts.push_back(in.GetString());
  reply.start.rows = in.GetString();
  const uint64_t inits_dense = in.Get<uint64_t>();
  if (inits_dense > 1) Fail(where, ": ", inits_dense, ", expected 0 or 1");
  reply.start.inits_dense = inits_dense == 1;
  const std::string bytes = in.GetString();
  Manifest& manifest = reply.start.manifest;
  if (!in.AtEnd()) Fail(where, ": bytes behind the manifest, expected none");
  if (bytes.size() > std::numeric_limits<int>::max() || !manifest.ParseFromString(bytes))
    Fail(where, ": ", bytes.size(), " bytes that are no manifest");
  *manifest.mutable_job() = job::ParseLoadedJob(job::JobToText(manifest.job()), where, "/", {});
  if (command != Command::kTrain && reply.start.rows.empty())
    Fail(where, ": no model, expected its folder");
  if (command != Command::kTrain || manifest.has_progress())
    worker::saved::CheckManifest(manifest, where);
  if (command == Command::kTrain)
    job::CheckAgainstRoles(manifest, roles.n_workers, [](const std::string&) {});
  return reply;
}

void SendHandshake(net::Mailbox* mailbox) {
  mailbox->Send(0, net::Frame(net::FrameKind::kHandshake, mailbox->NewRequestId(), 0,
                              Fingerprint() + "\n" + mailbox->endpoint().host()));
}

std::vector<std::string> AwaitHandshakes(net::Mailbox* mailbox) {
  const std::string own_build = Fingerprint();
  std::vector<std::string> hosts(static_cast<size_t>(mailbox->endpoint().n_ranks()));
  std::vector<bool> has_come(hosts.size());
  hosts[0] = mailbox->endpoint().host();
  for (size_t n = 1; n < hosts.size(); ++n) {
    const net::Frame frame =
        mailbox->Await({net::FrameKind::kHandshake}, "a handshake",
                       [&](int rank) { return !has_come[static_cast<size_t>(rank)]; });
    const size_t rank = static_cast<size_t>(frame.source());
    if (has_come[rank]) Fail(net::NameOf(frame), ": came twice");
    const Handshake handshake = ParseHandshake(frame);
    if (handshake.build != own_build) {
      Fail("rank ", rank, " on ", handshake.host, " runs ", handshake.build, ", rank 0 on ",
           hosts[0], " runs ", own_build, ": expected the same build on all hosts");
    }
    has_come[rank] = true;
    hosts[rank] = handshake.host;
  }
  return hosts;
}

}  // namespace zhiyin::launch::rank
