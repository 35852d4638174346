#include "ps/server/server.h"

#include <glog/logging.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "common/error.h"

namespace zhiyin::ps::server {

Server::Server(net::Mailbox* mailbox, const net::RoleMap& roles, const Job& job,
               const std::string& output_folder, bool profile, uint64_t first_step)
    : mailbox_(mailbox),
      state_(roles, roles.ServerOfRank(mailbox->endpoint().rank()), job, profile, first_step),
      replies_(mailbox, &state_),
      check_(&state_),
      pending_(roles.n_workers),
      gradients_(&state_.tables),
      gradient_check_(job, output_folder.empty() ? "" : output_folder + "/poisoned", mailbox,
                      &state_, &gradients_),
      pulls_(&state_, &replies_, &check_, &pending_),
      pushes_(&state_, &replies_, &pending_, &gradients_, &gradient_check_, first_step),
      saves_(output_folder, mailbox, &state_, &replies_),
      leases_(job.train().seed(), roles.n_workers) {}

bool Server::Run() {
  while (true) {
    state_.stages.Enter(ServerStage::kWait);
    net::Frame frame = NextRequest();
    state_.stages.Enter(ServerStage::kOther);
    if (frame.kind() == net::FrameKind::kShutdown) return frame.header().clock == 0;
    replies_.CountTraffic(frame);
    Handle(std::move(frame));
    // Requests may come so fast that there is no moment without one.
    if (saves_.IsUnderWay()) saves_.Continue();
  }
}

net::Frame Server::NextRequest() {
  const std::initializer_list<net::FrameKind> kinds = {
      net::FrameKind::kPull,   net::FrameKind::kPeek,    net::FrameKind::kPush,
      net::FrameKind::kAssign, net::FrameKind::kLease,   net::FrameKind::kSave,
      net::FrameKind::kReport, net::FrameKind::kShutdown};
  while (saves_.IsUnderWay()) {
    if (std::optional<net::Frame> frame = mailbox_->Take(kinds)) return std::move(*frame);
    if (!saves_.Continue()) std::this_thread::sleep_for(Saves::kDiskPoll);
  }
  // Deferred pulls wait for the workers that have not come so far.
  const net::AwaitedRanks behind = [this](int rank) {
    return !state_.roles.IsServer(rank) && pulls_.MayWaitFor(rank);
  };
  return mailbox_->Await(kinds, "requests", behind);
}

void Server::Handle(net::Frame frame) {
  if (state_.roles.IsServer(frame.source())) {
    Fail(net::NameOf(frame), ", which is a server, expected one from a worker");
  }
  switch (frame.kind()) {
    case net::FrameKind::kPull:
      return pulls_.OnPull(std::move(frame));
    case net::FrameKind::kPeek:
      return pulls_.OnReadOnlyPull(frame);
    case net::FrameKind::kPush:
      if (pushes_.OnPush(std::move(frame))) pulls_.AnswerDeferred();
      return;
    case net::FrameKind::kAssign:
      return OnAssign(frame);
    case net::FrameKind::kLease:
      return OnLease(frame);
    case net::FrameKind::kSave:
      return saves_.OnSave(frame);
    case net::FrameKind::kReport:
      return OnReport(frame);
    default:
      LOG(FATAL) << "Run awaited a " << net::NameOf(frame.kind()) << " that no part handles";
  }
}

void Server::OnAssign(const net::Frame& frame) {
  const Section section = check_.Sections(frame, /*one_section=*/true)[0];
  table::Table& table = state_.tables[section.table];
  const Key* keys = reinterpret_cast<const Key*>(frame.payload().data() + sizeof(Section));
  const float* weights = reinterpret_cast<const float*>(keys + section.n_keys);
  table.Assign({keys, section.n_keys}, weights);
  replies_.Send(frame.source(),
                net::Frame(net::FrameKind::kAssignReply, frame.header().request_id, 0, 0));
}

void Server::OnLease(const net::Frame& frame) {
  const int source = frame.source();
  if (state_.server != 0)
    Fail(net::NameOf(frame), ": expected it at server 0, which manages the leases");
  const std::string reply = FromRank(
      source, [&] { return leases_.Answer(state_.roles.WorkerOfRank(source), frame.text()); });
  replies_.Send(source,
                net::Frame(net::FrameKind::kLeaseReply, frame.header().request_id, 0, reply));
}

void Server::OnReport(const net::Frame& frame) {
  ServerReport& report = state_.report;
  report.n_waiting = pulls_.n_deferred() + pending_.size() + pushes_.n_gathering();
  report.tables.clear();
  for (const table::Table& table : state_.tables)
    report.tables.push_back({table.name(), table.n_rows(), table.n_bytes(), table.counts()});
  if (state_.stages.on()) {
    const auto& seconds = state_.stages.seconds();
    report.stage_s.assign(seconds.begin(), seconds.end());
  }
  replies_.Send(frame.source(), net::Frame(net::FrameKind::kReportReply, frame.header().request_id,
                                           0, report.Serialize()));
}

}  // namespace zhiyin::ps::server
