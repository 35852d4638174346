#include "tests/fuzz/targets.h"

#include <glog/logging.h>

#include "common/error.h"
#include "tests/fuzz/outcome.h"

namespace zhiyin::fuzz {
namespace {

constexpr Target kTargets[] = {
    {"frame", FuzzFrame, FrameSeeds},
    {"mailbox", FuzzMailbox, MailboxSeeds},
    {"handshake", FuzzHandshake, HandshakeSeeds},
    {"handshake_reply", FuzzHandshakeReply, HandshakeReplySeeds},
    {"server", FuzzServer, ServerSeeds},
    {"client", FuzzClient, ClientSeeds},
    {"leases", FuzzLeases, LeasesSeeds},
    {"predictions", FuzzPredictions, PredictionsSeeds},
    {"server_report", FuzzServerReport, ServerReportSeeds},
    {"group", FuzzGroup, GroupSeeds},
    {"split_findings", FuzzSplitFindings, SplitFindingsSeeds},
    {"share_report", FuzzShareReport, ShareReportSeeds},
    {"split_index", FuzzSplitIndex, SplitIndexSeeds},
    {"examples", FuzzExamples, ExamplesSeeds},
    {"progress", FuzzProgress, ProgressSeeds},
    {"epoch_sums", FuzzEpochSums, EpochSumsSeeds},
    {"evaluation", FuzzEvaluation, EvaluationSeeds},
    {"doctor", FuzzDoctor, DoctorSeeds},
    {"worker_counts", FuzzWorkerCounts, WorkerCountsSeeds},
    {"rows", FuzzRows, RowsSeeds},
    {"manifest", FuzzManifest, ManifestSeeds},
    {"profile", FuzzProfile, ProfileSeeds},
    {"http_request", FuzzHttpRequest, HttpRequestSeeds},
    {"compressed", FuzzCompressed, CompressedSeeds},
    {"libsvm", FuzzLibsvm, LibsvmSeeds},
    {"libffm", FuzzLibffm, LibffmSeeds},
    {"slots", FuzzSlots, SlotsSeeds},
    {"tf_record", FuzzTfRecord, TfRecordSeeds},
    {"json_lines", FuzzJsonLines, JsonLinesSeeds},
    {"arrow", FuzzArrow, ArrowSeeds},
};

thread_local std::string last_error;

}  // namespace

std::span<const Target> AllTargets() {
  return kTargets;
}

const std::string& LastError() {
  return last_error;
}

void Judge(std::string_view culprit, const std::function<void()>& parse) {
  last_error.clear();
  try {
    parse();
  } catch (const Error& e) {
    last_error = e.what();
    CHECK(last_error.find(culprit) != std::string::npos)
        << last_error << ": does not name " << culprit;
  }
}

}  // namespace zhiyin::fuzz
