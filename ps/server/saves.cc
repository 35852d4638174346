#include "ps/server/saves.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <thread>

#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"

namespace zhiyin::ps::server {
namespace {

/// A save keeps copies of what admission has counted, and of the old content of rows that change
/// before they are written: of these at most so many bytes, or of both together a quarter of the
/// tables' where that is more.
constexpr int64_t kMinKeptBytes = int64_t{256} << 20;

}  // namespace

bool IsInside(const std::string& path, const std::string& folder) {
  if (path.empty() || folder.empty() || path.find('\0') != std::string::npos) return false;
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(path, error);
  if (error) return false;
  const std::filesystem::path outer = std::filesystem::weakly_canonical(folder, error);
  if (error) return false;
  const auto [in_outer, in_whole] =
      std::mismatch(outer.begin(), outer.end(), whole.begin(), whole.end());
  return in_outer == outer.end() && in_whole != whole.end() && !in_whole->empty();
}

void Saves::OnSave(const net::Frame& frame) {
  if (frame.source() != state_->roles.ChiefRank())
    Fail(net::NameOf(frame), ", expected one from the chief, rank ", state_->roles.ChiefRank());
  const std::string path(frame.text());
  if (!IsInside(path, output_folder_)) {
    Fail(
        net::NameOf(frame), ": a file ", Shortened(OneLine(path), 200), ", expected one inside ",
        output_folder_.empty() ? "an output folder, which this job does not have" : output_folder_);
  }
  if (IsUnderWay()) Fail(net::NameOf(frame), ": the one before it is not done");
  if (frame.header().clock > static_cast<uint64_t>(SaveKind::kChanges))
    Fail(net::NameOf(frame), ": of kind ", frame.header().clock, ", expected 0 to ",
         static_cast<uint64_t>(SaveKind::kChanges));
  request_id_ = frame.header().request_id;
  progress_at_s_ = mailbox_->endpoint().Now();
  replies_->Send(frame.source(), net::Frame(net::FrameKind::kSaveCut, request_id_, 0, 0));
  try {
    // Simulated runs repeat exactly, which takes one thread at a time.
    saver_ = std::make_unique<save::RowSaver>(
        path, static_cast<SaveKind>(frame.header().clock), &state_->tables,
        [this] { mailbox_->SendHeartbeat(); },
        mailbox_->endpoint().TimeIsVirtual() ? Beside::kNobody : Beside::kThread,
        [this] { SendHeartbeatWhileDiskIsBusy(); });
  } catch (const FileError& e) {
    ReportFailure(e.what());
  }
}

bool Saves::Continue() {
  const ScopedStage stage(&state_->stages, ServerStage::kOther);
  try {
    // Flushes early when copy-on-write retains too much memory: requests wait meanwhile.
    int64_t n_table_bytes = 0;
    for (const table::Table& table : state_->tables) n_table_bytes += table.n_bytes();
    const bool keeps_too_much =
        saver_->n_bytes_kept() >
        std::max(kMinKeptBytes + saver_->n_bytes_of_counts(), n_table_bytes / 4);
    do {
      if (Advance()) continue;
      if (!keeps_too_much) return false;
      std::this_thread::sleep_for(kDiskPoll);
    } while (keeps_too_much && !saver_->IsDone());
    if (!saver_->IsDone()) return true;
    const save::SavedRows saved = saver_->saved();
    saver_.reset();
    ByteWriter out;
    out.Put(saved.n_rows);
    out.Put(saved.n_bytes);
    out.Put(saved.digest);
    out.Put(uint64_t{saved.is_changes});
    replies_->Send(state_->roles.ChiefRank(),
                   net::Frame(net::FrameKind::kSaveReply, request_id_, 0, out.Take()));
  } catch (const FileError& e) {
    saver_.reset();
    ReportFailure(e.what());
  }
  return true;
}

bool Saves::Advance() {
  if (!saver_->Advance(/*may_wait=*/false)) {
    SendHeartbeatWhileDiskIsBusy();
    return false;
  }
  progress_at_s_ = mailbox_->endpoint().Now();
  mailbox_->SendHeartbeat();
  return true;
}

void Saves::ReportFailure(const std::string& what) {
  replies_->Send(state_->roles.ChiefRank(), net::Frame(net::FrameKind::kSaveReply, request_id_,
                                                       kSaveFailed, std::string_view(what)));
}

}  // namespace zhiyin::ps::server
