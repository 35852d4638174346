#include "launch/apps/doctor/examination.h"
#include "launch/apps/doctor/host_facts.h"
#include "launch/apps/doctor/postbox.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {
namespace {

constexpr int kRanks = 3;

void Take(const launch::apps::Answer& answer, launch::apps::Examination* examination) {
  switch (answer.kind_case()) {
    case launch::apps::Answer::kRank:
      examination->ranks[1] = answer.rank();
      break;
    case launch::apps::Answer::kData:
      examination->data[1] = answer.data();
      break;
    case launch::apps::Answer::kOutput:
      examination->outputs[1] = answer.output();
      break;
    case launch::apps::Answer::kPair:
      examination->pairs[{1, 2}] = answer.pair();
      break;
    case launch::apps::Answer::kTrouble:
      examination->troubles.emplace_back(1, answer.trouble());
      break;
    case launch::apps::Answer::KIND_NOT_SET:
      break;
  }
}

/// What rank 0 makes of it.
void MakeReport(const launch::apps::Answer& answer) {
  launch::apps::Examination examination;
  examination.n_ranks = kRanks;
  for (int rank = 0; rank < kRanks; ++rank) {
    examination.ranks[rank].set_host("host-" + std::to_string(rank));
    examination.data[rank].add_file()->set_n_bytes(7);
    examination.outputs[rank].set_free_bytes(int64_t{1} << 40);
  }
  examination.config = "job";
  examination.job.emplace();
  examination.data_files = {"/data"};
  examination.output = "out";
  Take(answer, &examination);
  launch::apps::ReportText(examination, launch::apps::Judge(examination));
}

}  // namespace

/// The first byte chooses a question or an answer, the others are its bytes.
int FuzzDoctor(const uint8_t* data, size_t size) {
  if (size < 1) return -1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    net::Frame frame(net::FrameKind::kQuestion, 1, 0, bytes);
    frame.Arrived(0);
    Judge("question from rank 0", [&] { launch::apps::ParseQuestion(frame, 1, kRanks); });
  } else {
    net::Frame frame(net::FrameKind::kAnswer, 1, 0, bytes);
    frame.Arrived(1);
    Judge("answer from rank 1", [&] { MakeReport(launch::apps::ParseAnswer(frame)); });
  }
  return 0;
}

std::vector<std::string> DoctorSeeds() {
  std::vector<std::string> seeds;
  launch::apps::Question question;
  question.mutable_data()->add_file("/data/day-1.tsv.gz");
  seeds.push_back('\0' + question.SerializeAsString());
  question.mutable_output()->set_folder("/results");
  question.mutable_output()->set_token("0123456789abcdef");
  seeds.push_back('\0' + question.SerializeAsString());
  question.mutable_pair()->set_peer(2);
  seeds.push_back('\0' + question.SerializeAsString());
  launch::apps::Answer answer;
  *answer.mutable_rank() =
      launch::apps::GatherRankFacts({"Open MPI v4.1.4", "FUNNELED", "", "", "", "/dev/shm", 4096});
  seeds.push_back('\1' + answer.SerializeAsString());
  answer.mutable_data()->add_file()->set_error("No such file or directory");
  seeds.push_back('\1' + answer.SerializeAsString());
  answer.mutable_output()->set_write_error("No space left on device");
  answer.mutable_output()->set_disk_is_full(true);
  seeds.push_back('\1' + answer.SerializeAsString());
  answer.mutable_pair()->set_answered(true);
  answer.mutable_pair()->set_latency_s(1e-5);
  answer.mutable_pair()->set_bytes_per_s(1e9);
  answer.mutable_pair()->set_clock_offset_s(-3);
  seeds.push_back('\1' + answer.SerializeAsString());
  answer.set_trouble("the disk does not answer");
  seeds.push_back('\1' + answer.SerializeAsString());
  return seeds;
}

}  // namespace zhiyin::fuzz
