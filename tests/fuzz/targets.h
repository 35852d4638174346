// Fuzz targets: one for every kind of message that a rank or a server parses, and for kinds of
// files. Each takes any bytes at all and returns; it ends the process where the product's answer to
// them is neither a result nor a named Error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::fuzz {

/// libFuzzer's LLVMFuzzerTestOneInput, one a target, in NAME_target.cc.
int FuzzFrame(const uint8_t* data, size_t size);           // a message's header
int FuzzMailbox(const uint8_t* data, size_t size);         // failures and heartbeats of other ranks
int FuzzHandshake(const uint8_t* data, size_t size);       // which builds run, and where
int FuzzHandshakeReply(const uint8_t* data, size_t size);  // the job, from rank 0
int FuzzServer(const uint8_t* data, size_t size);          // all that a server is asked
int FuzzClient(const uint8_t* data, size_t size);          // a server's replies
int FuzzLeases(const uint8_t* data, size_t size);          // a saved state of the leases
int FuzzPredictions(const uint8_t* data, size_t size);     // a worker's part of a prediction
int FuzzServerReport(const uint8_t* data, size_t size);    // a server's counts
int FuzzGroup(const uint8_t* data, size_t size);           // workers among themselves
int FuzzSplitFindings(const uint8_t* data, size_t size);   // what a worker's first pass found
int FuzzShareReport(const uint8_t* data, size_t size);     // where a worker's share of a file lies
int FuzzSplitIndex(const uint8_t* data, size_t size);      // what an earlier first pass found
int FuzzExamples(const uint8_t* data, size_t size);        // examples that another worker has read
int FuzzProgress(const uint8_t* data, size_t size);        // a worker's tally
int FuzzEpochSums(const uint8_t* data, size_t size);       // the workers' sums of an epoch
int FuzzEvaluation(const uint8_t* data, size_t size);      // a worker's part of an evaluation
int FuzzDoctor(const uint8_t* data, size_t size);          // questions and answers of zhiyin doctor
int FuzzWorkerCounts(const uint8_t* data, size_t size);    // a worker's counts at the end
int FuzzRows(const uint8_t* data, size_t size);            // a file of rows
int FuzzManifest(const uint8_t* data, size_t size);        // what a model or checkpoint is
int FuzzProfile(const uint8_t* data, size_t size);         // what a worker's time went to
int FuzzHttpRequest(const uint8_t* data, size_t size);     // what a client asks zhiyin serve
int FuzzCompressed(const uint8_t* data, size_t size);      // a compressed data file
int FuzzLibsvm(const uint8_t* data, size_t size);          // a data file: libsvm
int FuzzLibffm(const uint8_t* data, size_t size);          // a data file: libffm
int FuzzSlots(const uint8_t* data, size_t size);           // a data file: slot:feasign
int FuzzTfRecord(const uint8_t* data, size_t size);        // a TFRecord file
int FuzzJsonLines(const uint8_t* data, size_t size);       // a file of examples
int FuzzArrow(const uint8_t* data, size_t size);           // batches of an Arrow table

/// Well-formed inputs, made by the product itself: each is taken, but for the mailbox's, which end
/// in the failure that they report.
std::vector<std::string> FrameSeeds();
std::vector<std::string> MailboxSeeds();
std::vector<std::string> HandshakeSeeds();
std::vector<std::string> HandshakeReplySeeds();
std::vector<std::string> ServerSeeds();
std::vector<std::string> ClientSeeds();
std::vector<std::string> LeasesSeeds();
std::vector<std::string> PredictionsSeeds();
std::vector<std::string> ServerReportSeeds();
std::vector<std::string> GroupSeeds();
std::vector<std::string> SplitFindingsSeeds();
std::vector<std::string> ShareReportSeeds();
std::vector<std::string> SplitIndexSeeds();
std::vector<std::string> ExamplesSeeds();
std::vector<std::string> ProgressSeeds();
std::vector<std::string> EpochSumsSeeds();
std::vector<std::string> EvaluationSeeds();
std::vector<std::string> DoctorSeeds();
std::vector<std::string> WorkerCountsSeeds();
std::vector<std::string> RowsSeeds();
std::vector<std::string> ManifestSeeds();
std::vector<std::string> ProfileSeeds();
std::vector<std::string> HttpRequestSeeds();
std::vector<std::string> CompressedSeeds();
std::vector<std::string> LibsvmSeeds();
std::vector<std::string> LibffmSeeds();
std::vector<std::string> SlotsSeeds();
std::vector<std::string> TfRecordSeeds();
std::vector<std::string> JsonLinesSeeds();
std::vector<std::string> ArrowSeeds();

struct Target {
  std::string_view name;
  int (*run)(const uint8_t* data, size_t size);
  std::vector<std::string> (*seeds)();
};
std::span<const Target> AllTargets();
/// For the names of tests.
inline void PrintTo(const Target& target, std::ostream* out) {
  *out << target.name;
}

/// The error that the last input ended in; "" when it was taken. Of this thread.
const std::string& LastError();

}  // namespace zhiyin::fuzz
