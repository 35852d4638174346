#include "ps/server.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstring>

#include "common/bytes.h"
#include "common/partitioner.h"
#include "ps/checkpoint.h"

namespace zhiyin::ps {
namespace {

/// Steps that a server may hear of before it has completed the one in hand. Workers have a bounded number of
/// pushes in flight, so none is honestly further ahead.
constexpr uint64_t kMaxStepsAhead = 64;

const PushPrelude& PreludeOf(const Frame& push) {
  if (push.payload().size() < sizeof(PushPrelude)) {
    Fail("push from rank ", push.source(), ": ", push.payload().size(), " bytes, expected at least ",
         sizeof(PushPrelude));
  }
  return *reinterpret_cast<const PushPrelude*>(push.payload().data());
}

const float* GradientsOf(const Frame& push) {
  return reinterpret_cast<const float*>(push.payload().data() + sizeof(PushPrelude));
}

const Key* KeysBehind(std::span<const Section> sections) {
  return reinterpret_cast<const Key*>(sections.data() + sections.size());
}

}  // namespace

Server::Server(Mailbox* mailbox, const RoleMap& roles, const Job& job)
    : mailbox_(mailbox), roles_(roles), clock_(job.train().staleness()) {
  for (const TableSpec& spec : TableSpecs(job)) tables_.emplace_back(spec, job.train().seed());
  sums_.resize(tables_.size());
  pending_.resize(static_cast<size_t>(roles.n_workers));
  report_.staleness.resize(ServerReport::kStalenessBins);
}

void Server::Run() {
  while (true) {
    Frame frame = mailbox_->Await({FrameKind::kPull, FrameKind::kPeek, FrameKind::kPush, FrameKind::kAssign,
                                   FrameKind::kSave, FrameKind::kReport, FrameKind::kShutdown},
                                  "requests from workers");
    if (frame.kind() == FrameKind::kShutdown) return;
    Handle(std::move(frame));
  }
}

void Server::Handle(Frame frame) {
  if (roles_.IsServer(frame.source())) {
    Fail(NameOf(frame.kind()), " from rank ", frame.source(),
         ", which is a server, expected one from a worker");
  }
  switch (frame.kind()) {
    case FrameKind::kPull:
      return OnPull(std::move(frame));
    case FrameKind::kPeek:
      return AnswerPull(frame);
    case FrameKind::kPush:
      return OnPush(std::move(frame));
    case FrameKind::kAssign:
      return OnAssign(frame);
    case FrameKind::kSave:
      return OnSave(frame);
    case FrameKind::kReport:
      return OnReport(frame);
    default:
      LOG(FATAL) << "Run awaited a " << NameOf(frame.kind()) << " that nobody handles";
  }
}

std::span<const Section> Server::CheckSections(const Frame& frame, bool one_section) {
  const auto where = [&] {
    return std::string(NameOf(frame.kind())) + " from rank " + std::to_string(frame.source());
  };
  const uint64_t n_bytes = frame.payload().size();
  const auto* first = reinterpret_cast<const Section*>(frame.payload().data());
  const uint64_t n_sections = one_section ? 1 : tables_.size();
  if (n_bytes < n_sections * sizeof(Section)) {
    Fail(where(), ": ", n_bytes, " bytes, expected at least ", n_sections, " sections of ", sizeof(Section));
  }
  const std::span<const Section> sections(first, n_sections);
  uint64_t expected = n_sections * sizeof(Section);
  for (uint64_t s = 0; s < n_sections; ++s) {
    const Section& section = sections[s];
    if (section.table >= tables_.size() || (!one_section && section.table != s)) {
      Fail(where(), ": section ", s, " is about table ", section.table, " of ", tables_.size());
    }
    if (section.n_keys > n_bytes / sizeof(Key))
      Fail(where(), ": announces ", section.n_keys, " keys in ", n_bytes, " bytes");
    expected += section.n_keys * sizeof(Key);
    if (one_section)
      expected += section.n_keys * sizeof(float) * static_cast<uint64_t>(tables_[section.table].dim());
  }
  if (n_bytes != expected) Fail(where(), ": ", n_bytes, " bytes, expected ", expected);
  const Key* key = KeysBehind(sections);
  for (const Section& section : sections) {
    for (uint64_t i = 0; i < section.n_keys; ++i, ++key) {
      const int owner = ServerOf(section.table, *key, roles_.n_servers);
      if (owner != roles_.ServerOfRank(mailbox_->endpoint().rank())) {
        Fail(where(), ": key ", *key, " of table ", tables_[section.table].name(), " belongs to server ",
             owner);
      }
    }
  }
  return sections;
}

void Server::OnPull(Frame frame) {
  if (!clock_.MayAnswer(frame.header().clock)) {
    const size_t n_max = kMaxPullsInFlight * pending_.size();
    if (deferred_.size() >= n_max)
      Fail("pull from rank ", frame.source(), ": ", n_max, " pulls wait for an earlier step already");
    deferred_.push_back(std::move(frame));
    return;
  }
  AnswerPull(frame);
}

Server::PendingPull Server::NewPendingPull() {
  if (spare_.empty()) return {};
  PendingPull pull = std::move(spare_.back());
  spare_.pop_back();
  return pull;
}

void Server::AnswerPull(const Frame& frame) {
  const std::span<const Section> sections = CheckSections(frame, false);
  PendingPull pull = NewPendingPull();
  pull.id = frame.header().request_id;
  pull.version = version_;
  pull.sections.assign(sections.begin(), sections.end());
  uint64_t n_keys = 0;
  uint64_t n_floats = 0;
  for (const Section& section : sections) {
    n_keys += section.n_keys;
    if (section.flags & kFetch)
      n_floats += section.n_keys * static_cast<uint64_t>(tables_[section.table].dim());
  }
  pull.rows.resize(n_keys);

  Frame reply(FrameKind::kPullReply, pull.id, frame.header().clock,
              sizeof(uint64_t) + n_floats * sizeof(float));
  std::memcpy(reply.payload().data(), &version_, sizeof(version_));
  float* to = reinterpret_cast<float*>(reply.payload().data() + sizeof(uint64_t));
  const Key* key = KeysBehind(sections);
  float** row = pull.rows.data();
  for (const Section& section : sections) {
    Table& table = tables_[section.table];
    const std::span<const Key> keys(key, section.n_keys);
    const std::span<float*> rows(row, section.n_keys);
    if (frame.kind() == FrameKind::kPull) {
      table.FindOrCreate(keys, rows);
    } else {
      table.Find(keys, rows);
    }
    key += section.n_keys;
    row += section.n_keys;
    if (!(section.flags & kFetch)) continue;
    const size_t dim = static_cast<size_t>(table.dim());
    for (size_t i = 0; i < rows.size(); ++i, to += dim) {
      if (i + kRowsAhead < rows.size()) __builtin_prefetch(rows[i + kRowsAhead]);
      if (rows[i] != nullptr) {
        std::memcpy(to, rows[i], dim * sizeof(float));
      } else {
        std::memset(to, 0, dim * sizeof(float));
      }
    }
  }
  mailbox_->Send(frame.source(), std::move(reply));
  (frame.kind() == FrameKind::kPull ? report_.n_pulled_keys : report_.n_peeked_keys) +=
      static_cast<int64_t>(n_keys);

  if (frame.kind() == FrameKind::kPeek) {
    spare_.push_back(std::move(pull));
    return;
  }
  auto& pending = pending_[static_cast<size_t>(roles_.WorkerOfRank(frame.source()))];
  if (pending.size() >= kMaxPullsInFlight) {
    Fail("pull from rank ", frame.source(), ": ", pending.size(), " pulls wait for their push, at most ",
         kMaxPullsInFlight, " are allowed");
  }
  pending.push_back(std::move(pull));
}

Server::PendingPull Server::TakePendingPull(const Frame& push, uint64_t id) {
  if (id == 0) return NewPendingPull();  // nothing was pulled from here
  auto& pending = pending_[static_cast<size_t>(roles_.WorkerOfRank(push.source()))];
  const auto it =
      std::find_if(pending.begin(), pending.end(), [&](const PendingPull& p) { return p.id == id; });
  if (it == pending.end())
    Fail("push from rank ", push.source(), ": answers pull ", id, ", which is not waiting for one");
  PendingPull pull = std::move(*it);
  pending.erase(it);
  return pull;
}

uint64_t Server::n_gradients(const PendingPull& pull) const {
  uint64_t n = 0;
  for (const Section& section : pull.sections)
    n += section.n_keys * static_cast<uint64_t>(tables_[section.table].dim());
  return n;
}

void Server::OnPush(Frame frame) {
  const PushPrelude prelude = PreludeOf(frame);
  const uint64_t step = frame.header().clock;
  const int source = frame.source();
  const uint64_t id = frame.header().request_id;
  PendingPull pull = TakePendingPull(frame, prelude.pull_id);
  if (prelude.pull_id == 0) {
    pull.sections.clear();
    pull.rows.clear();
    pull.version = version_;
  }
  const uint64_t expected = sizeof(PushPrelude) + n_gradients(pull) * sizeof(float);
  if (frame.payload().size() != expected) {
    Fail("push from rank ", source, ": ", frame.payload().size(), " bytes, expected ", expected);
  }
  CheckSlice(prelude, frame);

  if (clock_.staleness() == 0) {
    Gather(prelude, step, std::move(pull), std::move(frame));
  } else {
    ApplyPush(pull, GradientsOf(frame));
    spare_.push_back(std::move(pull));
  }
  mailbox_->Send(source, Frame(FrameKind::kPushReply, id, step, 0));
  if (clock_.staleness() >= 0 && clock_.Pushed(step, prelude.slice, prelude.n_slices)) AnswerDeferred();
}

void Server::CheckSlice(const PushPrelude& prelude, const Frame& push) {
  const int source = push.source();
  if (prelude.slice >= prelude.n_slices)
    Fail("push from rank ", source, ": slice ", prelude.slice, ", expected less than ", prelude.n_slices);
  if (n_slices_ == 0) n_slices_ = prelude.n_slices;
  if (prelude.n_slices != n_slices_) {
    Fail("push from rank ", source, ": a step of ", prelude.n_slices, " slices, others say ", n_slices_);
  }
  if (clock_.staleness() < 0) return;
  // A worker that needs no row of this server learns from the others that a step is complete, maybe before
  // this one does.
  const uint64_t step = push.header().clock;
  const uint64_t n_ahead = kMaxStepsAhead + static_cast<uint64_t>(clock_.staleness());
  if (step < clock_.n_complete() || step - clock_.n_complete() >= n_ahead) {
    Fail("push from rank ", source, ": step ", step, ", expected ", clock_.n_complete(), " to ",
         clock_.n_complete() + n_ahead - 1);
  }
  if (clock_.Has(step, prelude.slice))
    Fail("push from rank ", source, ": slice ", prelude.slice, " of step ", step, " came twice");
}

void Server::ApplyPush(const PendingPull& pull, const float* gradients) {
  if (pull.rows.empty()) return;
  float* const* row = pull.rows.data();
  for (const Section& section : pull.sections) {
    Table& table = tables_[section.table];
    table.Apply({row, section.n_keys}, gradients);
    row += section.n_keys;
    gradients += section.n_keys * static_cast<uint64_t>(table.dim());
  }
  report_.n_pushed_keys += static_cast<int64_t>(pull.rows.size());
  ++report_.staleness[std::min<size_t>(version_ - pull.version, ServerReport::kStalenessBins - 1)];
  ++version_;
}

void Server::Gather(const PushPrelude& prelude, uint64_t step, PendingPull pull, Frame push) {
  const size_t ahead = step - clock_.n_complete();
  if (gathering_.size() <= ahead) gathering_.resize(ahead + 1);
  gathering_[ahead][prelude.slice] = {std::move(pull), std::move(push)};
  while (!gathering_.empty() && gathering_.front().size() == n_slices_) {
    ApplyStep(&gathering_.front());
    gathering_.pop_front();
  }
}

void Server::ApplyStep(WaitingStep* slices) {
  for (RowSum& sum : sums_) sum.Clear();
  for (const auto& [number, slice] : *slices) {
    const float* gradients = GradientsOf(slice.push);
    float* const* row = slice.pull.rows.data();
    for (const Section& section : slice.pull.sections) {
      sums_[section.table].Add({row, section.n_keys}, gradients, tables_[section.table].dim());
      row += section.n_keys;
      gradients += section.n_keys * static_cast<uint64_t>(tables_[section.table].dim());
    }
    if (slice.pull.rows.empty()) continue;
    report_.n_pushed_keys += static_cast<int64_t>(slice.pull.rows.size());
    ++report_.staleness[std::min<size_t>(version_ - slice.pull.version, ServerReport::kStalenessBins - 1)];
  }
  for (size_t t = 0; t < tables_.size(); ++t) tables_[t].Apply(sums_[t].rows(), sums_[t].sums());
  ++version_;
  for (auto& [number, slice] : *slices) spare_.push_back(std::move(slice.pull));
}

void Server::AnswerDeferred() {
  for (size_t n = deferred_.size(); n > 0; --n) {
    Frame frame = std::move(deferred_.front());
    deferred_.pop_front();
    OnPull(std::move(frame));
  }
}

void Server::OnAssign(const Frame& frame) {
  const Section section = CheckSections(frame, true)[0];
  Table& table = tables_[section.table];
  const Key* keys = reinterpret_cast<const Key*>(frame.payload().data() + sizeof(Section));
  const float* weights = reinterpret_cast<const float*>(keys + section.n_keys);
  std::vector<float*> rows(section.n_keys);
  table.FindOrCreate({keys, section.n_keys}, rows);
  const size_t dim = static_cast<size_t>(table.dim());
  for (size_t i = 0; i < rows.size(); ++i) std::memcpy(rows[i], weights + i * dim, dim * sizeof(float));
  mailbox_->Send(frame.source(), Frame(FrameKind::kAssignReply, frame.header().request_id, 0, 0));
}

void Server::OnSave(const Frame& frame) {
  const SavedRows saved = SaveRows(std::string(frame.text()), tables_, [this] { mailbox_->SayAlive(); });
  ByteWriter out;
  out.Put(saved.n_rows);
  out.Put(saved.n_bytes);
  out.Put(saved.digest);
  mailbox_->Send(frame.source(), Frame(FrameKind::kSaveReply, frame.header().request_id, 0, out.Take()));
}

void Server::OnReport(const Frame& frame) {
  report_.tables.clear();
  for (const Table& table : tables_)
    report_.tables.push_back({table.name(), table.n_rows(), table.n_bytes()});
  mailbox_->Send(frame.source(),
                 Frame(FrameKind::kReportReply, frame.header().request_id, 0, report_.Serialize()));
}

}  // namespace zhiyin::ps
