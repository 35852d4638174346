#include "launch/apps/doctor/doctor.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <unordered_set>

#include "common/error.h"
#include "common/net/mpi/mpi_description.h"
#include "common/net/mpi/mpi_endpoint.h"
#include "common/net/sim_network.h"
#include "launch/apps/doctor/examination.h"
#include "launch/apps/doctor/file_facts.h"
#include "launch/apps/doctor/host_facts.h"
#include "launch/apps/doctor/postbox.h"
#include "launch/apps/doctor/within_limit.h"
#include "launch/job/load_job.h"
#include "launch/rank/cpu_check.h"
#include "launch/rank/launcher.h"
#include "launch/rank/run.h"
#include "worker/data/pipe.h"

namespace zhiyin::launch::apps {
namespace {

constexpr double kSignEveryS = 1;

/// A file that goes when the rank ends, however it ends.
struct OwnToken {
  std::string path;
  void Remove() {
    if (!path.empty()) unlink(path.c_str());
    path.clear();
  }
  ~OwnToken() { Remove(); }
};

Answer Trouble(const std::string& text) {
  Answer answer;
  answer.set_trouble(text);
  return answer;
}

/// Half of it for a rank's own work, so that its answer arrives within the whole.
double OwnLimit(const DoctorOptions& options) {
  return options.limit_s / 2;
}

Answer TookTooLong(const DoctorOptions& options, const std::string& what) {
  std::ostringstream text;
  text << what << " took longer than " << OwnLimit(options)
       << " s (half of --timeout_s): a disk or a network file system that does not answer?";
  return Trouble(text.str());
}

Answer AnswerFacts(const DoctorOptions& options) {
  const std::optional<RankFacts> facts = WithinLimit<RankFacts>(OwnLimit(options), options.gather);
  if (!facts) return TookTooLong(options, "to read the program's own file and /proc");
  Answer answer;
  *answer.mutable_rank() = *facts;
  return answer;
}

Answer AnswerData(const DataQuestion& question, const DoctorOptions& options) {
  const auto facts =
      WithinLimit<DataFacts>(OwnLimit(options), [question] { return LookAtData(question); });
  if (!facts) return TookTooLong(options, "to read the ends of the data files");
  Answer answer;
  *answer.mutable_data() = *facts;
  return answer;
}

Answer AnswerOutput(const OutputQuestion& question, int rank, const DoctorOptions& options,
                    OwnToken* own) {
  own->path = TokenPath(question.folder(), question.token(), rank);
  const auto facts = WithinLimit<OutputFacts>(
      OwnLimit(options), [question, rank] { return LookAtOutput(question, rank); });
  if (!facts)
    return TookTooLong(options, "to write a few files under --output=" + question.folder());
  Answer answer;
  *answer.mutable_output() = *facts;
  return answer;
}

/// A rank other than 0.
class Patient {
 public:
  Patient(Postbox* postbox, const DoctorOptions& options) : postbox_(*postbox), options_(options) {}

  DoctorOutcome Run() {
    postbox_.Tell(AnswerFacts(options_));
    while (true) {
      try {
        const std::optional<net::Frame> frame =
            postbox_.Next(net::FrameKind::kQuestion, postbox_.endpoint().Now() + options_.limit_s,
                          /*or_alive=*/true);
        if (!frame) break;
        if (frame->kind() == net::FrameKind::kHeartbeat) continue;
        const Question question =
            ParseQuestion(*frame, postbox_.endpoint().rank(), postbox_.endpoint().n_ranks());
        if (question.has_end()) return {0, true};
        postbox_.Tell(AnswerTo(question));
      } catch (const Error& e) {
        // The rank goes on: rank 0 must be able to finish its report, which includes this error.
        postbox_.Tell(Trouble(e.what()));
      }
    }
    own_.Remove();
    std::ostringstream text;
    text << "no word from rank 0 for " << options_.limit_s << " s (the limit is --timeout_s)";
    options_.print_error(text.str());
    return {1, false};
  }

 private:
  Answer AnswerTo(const Question& question) {
    switch (question.kind_case()) {
      case Question::kData:
        return AnswerData(question.data(), options_);
      case Question::kOutput:
        return AnswerOutput(question.output(), postbox_.endpoint().rank(), options_, &own_);
      case Question::kCleanUp:
        own_.Remove();
        return Trouble("");
      case Question::kPair: {
        Answer answer;
        *answer.mutable_pair() = postbox_.MeasurePair(question.pair().peer(), OwnLimit(options_));
        return answer;
      }
      case Question::kEnd:
      case Question::KIND_NOT_SET:
        break;  // ParseQuestion's and Run's
    }
    return Trouble("asked for nothing");
  }

  Postbox& postbox_;
  const DoctorOptions& options_;
  OwnToken own_;
};

/// Rank 0.
class Doctor {
 public:
  Doctor(Postbox* postbox, const DoctorOptions& options) : postbox_(*postbox), options_(options) {
    found_.n_ranks = postbox_.endpoint().n_ranks();
    found_.under_mpirun = options.under_mpirun;
    found_.n_servers = options.n_servers;
    found_.n_servers_given = options.n_servers_given;
    found_.n_wanted = options.n_wanted;
    found_.limit_s = options.limit_s;
    found_.config = options.config;
    found_.output = options.output;
  }

  DoctorOutcome Run() {
    AskForFacts();
    CountSlots();
    LookAtJob();
    LookAtFolder();
    MeasurePairs();
    const Findings findings = Judge(found_);
    options_.print(ReportText(found_, findings));
    const bool wrong = !findings.empty() && findings[0].severity == Severity::kWrong;
    Question end;
    end.set_end(true);
    for (int rank = 1; rank < found_.n_ranks; ++rank) postbox_.Ask(rank, end);
    const bool flushed = postbox_.endpoint().Flush(postbox_.endpoint().Now() + options_.limit_s);
    return {wrong ? 1 : 0, flushed && found_.silent.empty() && found_.errors.empty()};
  }

 private:
  /// Returns the answers of these ranks, by rank. A rank that does not answer within the limit is
  /// recorded and receives no more questions.
  std::map<int, Answer> Collect(std::set<int> ranks, const std::string& step) {
    std::map<int, Answer> answers;
    net::Endpoint& endpoint = postbox_.endpoint();
    const double deadline = endpoint.Now() + options_.limit_s;
    double next_sign = endpoint.Now() + kSignEveryS;
    while (!ranks.empty() && endpoint.Now() < deadline) {
      try {
        const std::optional<net::Frame> frame =
            postbox_.Next(net::FrameKind::kAnswer, std::min(deadline, next_sign));
        if (frame && ranks.erase(frame->source()) > 0) NoteAnswer(*frame, &answers);
      } catch (const Error& e) {
        if (std::find(found_.errors.begin(), found_.errors.end(), e.what()) == found_.errors.end())
          found_.errors.emplace_back(e.what());
      }
      if (endpoint.Now() < next_sign) continue;
      next_sign = endpoint.Now() + kSignEveryS;
      for (int rank = 1; rank < found_.n_ranks; ++rank)
        endpoint.Send(rank, net::Frame(net::FrameKind::kHeartbeat, 0, 0, 0));
    }
    for (const int rank : ranks) {
      found_.silent.emplace_back(rank, step);
      answering_.erase(rank);
    }
    return answers;
  }

  void NoteAnswer(const net::Frame& frame, std::map<int, Answer>* answers) {
    try {
      Answer answer = ParseAnswer(frame);
      if (!answer.has_trouble()) {
        answers->emplace(frame.source(), std::move(answer));
      } else if (!answer.trouble().empty()) {
        found_.troubles.emplace_back(frame.source(), answer.trouble());
      }
    } catch (const Error& e) {
      found_.troubles.emplace_back(frame.source(), e.what());
    }
  }

  /// Rank 0's own answer to what it asks others.
  void NoteOwn(Answer answer, std::map<int, Answer>* answers) {
    if (answer.has_trouble()) {
      found_.troubles.emplace_back(0, answer.trouble());
    } else {
      answers->emplace(0, std::move(answer));
    }
  }

  void AskForFacts() {
    for (int rank = 1; rank < found_.n_ranks; ++rank) answering_.insert(rank);
    Answer own = AnswerFacts(options_);
    std::map<int, Answer> answers = Collect(answering_, "say what it is");
    NoteOwn(std::move(own), &answers);
    for (const auto& [rank, answer] : answers) {
      if (answer.has_rank()) found_.ranks[rank] = answer.rank();
    }
    // The following steps need the host of a rank; ranks of unknown hosts only receive the end.
    std::erase_if(answering_, [&](int rank) { return !found_.ranks.contains(rank); });
    if (!found_.ranks.contains(0)) found_.ranks[0].set_host(postbox_.endpoint().host());
  }

  void CountSlots() {
    try {
      found_.slots = FindSlots(options_.hostfile);
    } catch (const Error& e) {
      found_.refused.emplace_back(e.what());
    }
  }

  void LookAtJob() {
    if (options_.config.empty()) return;
    try {
      found_.job = job::LoadJob(options_.config, options_.overrides);
    } catch (const Error& e) {
      found_.refused.emplace_back(e.what());
      return;
    }
    std::unordered_set<std::string> added;
    const auto add = [&](const auto& files) {
      for (const std::string& file : files) {
        // Standard input is of the job alone.
        if (file != worker::data::kStandardInput && added.insert(file).second)
          found_.data_files.push_back(file);
      }
    };
    add(found_.job->data().train().file());
    add(found_.job->data().validation().file());
    add(found_.job->data().test().file());
    for (const Join& join : found_.job->data().join()) add(join.file());
    if (found_.data_files.empty()) return;
    Question question;
    for (const std::string& file : found_.data_files) question.mutable_data()->add_file(file);
    std::set<int> asked;
    for (const int rank : answering_) {
      if (rank < options_.n_servers && options_.n_servers < found_.n_ranks)
        continue;  // servers read no data
      asked.insert(rank);
      postbox_.Ask(rank, question);
    }
    // A process alone stands for any rank.
    std::optional<Answer> own;
    if (found_.n_ranks == 1) own = AnswerData(question.data(), options_);
    std::map<int, Answer> answers = Collect(asked, "look at the data files");
    if (own) NoteOwn(std::move(*own), &answers);
    for (const auto& [rank, answer] : answers) {
      if (answer.has_data()) found_.data[rank] = answer.data();
    }
  }

  void LookAtFolder() {
    if (options_.output.empty()) return;
    const auto folder = WithinLimit<std::shared_ptr<BorrowedFolder>>(
        OwnLimit(options_),
        [path = options_.output] { return std::make_shared<BorrowedFolder>(path); });
    if (!folder) {
      found_.troubles.emplace_back(
          0, TookTooLong(options_, "to make --output=" + options_.output).trouble());
      return;
    }
    if (!(*folder)->error().empty()) {
      found_.outputs[0].set_folder_error((*folder)->error());
      return;
    }
    OwnToken own;
    Question question;
    OutputQuestion* output = question.mutable_output();
    output->set_folder(options_.output);
    output->set_token(NewToken());
    output->set_measure_speed(true);
    std::map<int, Answer> answers;
    NoteOwn(AnswerOutput(*output, 0, options_, &own), &answers);
    if (answers.empty()) return;
    output->set_token_is_there(answers[0].output().write_error().empty());
    std::set<int> measuring;
    for (const Host& host : HostsOf(found_)) measuring.insert(host.ranks[0]);
    const std::set<int> asked = answering_;
    for (const int rank : asked) {
      output->set_measure_speed(measuring.contains(rank));
      postbox_.Ask(rank, question);
    }
    answers.merge(Collect(asked, "write a few files under --output"));
    for (const auto& [rank, answer] : answers) {
      if (answer.has_output()) found_.outputs[rank] = answer.output();
    }
    LookForFiles(*output);
    CleanUp(*output);
  }

  /// Those of ranks that see rank 0's: does rank 0 see theirs?
  void LookForFiles(const OutputQuestion& output) {
    std::vector<int> ranks;
    for (const auto& [rank, facts] : found_.outputs) {
      if (facts.saw_token() && facts.write_error().empty()) ranks.push_back(rank);
    }
    using Seen = std::map<int, bool>;
    const std::optional<Seen> seen = WithinLimit<Seen>(OwnLimit(options_), [ranks, output] {
      Seen all;
      for (const int rank : ranks) all[rank] = SeesToken(output.folder(), output.token(), rank);
      return all;
    });
    if (seen) found_.seen_by_rank_0 = *seen;
    if (!seen)
      found_.troubles.emplace_back(
          0, TookTooLong(options_, "to look into --output=" + options_.output).trouble());
  }

  void CleanUp(const OutputQuestion& output) {
    Question question;
    question.set_clean_up(true);
    const std::set<int> asked = answering_;
    for (const int rank : asked) postbox_.Ask(rank, question);
    Collect(asked, "remove its files under --output");
    // Frames from ranks that are gone.
    for (const auto& [rank, step] : found_.silent)
      unlink(TokenPath(output.folder(), output.token(), rank).c_str());
  }

  static std::string NewToken() {
    std::random_device random;
    char text[24];
    std::snprintf(text, sizeof(text), "%08x%08x", random(), random());
    return text;
  }

  void MeasurePairs() {
    std::vector<Host> hosts = HostsOf(found_);
    for (Host& host : hosts)
      std::erase_if(host.ranks, [&](int rank) { return rank != 0 && !answering_.contains(rank); });
    std::erase_if(hosts, [](const Host& host) { return host.ranks.empty(); });
    for (const auto& round : PairRounds(hosts)) {
      std::set<int> asked;
      std::optional<int> own_peer;
      for (const auto& [from, to] : round) {
        if (from == 0) own_peer = to;
        // A rank may have fallen silent in the round before.
        if (!answering_.contains(from)) continue;
        Question question;
        question.mutable_pair()->set_peer(to);
        postbox_.Ask(from, question);
        asked.insert(from);
      }
      if (own_peer) MeasureOwnPair(*own_peer);
      const std::map<int, Answer> answers = Collect(asked, "measure the way to another rank");
      for (const auto& [from, to] : round) {
        const auto answer = answers.find(from);
        if (answer != answers.end() && answer->second.has_pair())
          found_.pairs[{from, to}] = answer->second.pair();
      }
    }
  }

  void MeasureOwnPair(int peer) {
    try {
      found_.pairs[{0, peer}] = postbox_.MeasurePair(peer, OwnLimit(options_));
    } catch (const Error& e) {
      found_.errors.emplace_back(e.what());
    }
  }

  Postbox& postbox_;
  const DoctorOptions& options_;
  Examination found_;
  std::set<int> answering_;  // ranks that have answered all they were asked, rank 0 aside
};

/// The line that the handler of SIGALRM prints before it ends the process.
char alarm_line[512];

void EndByAlarm(int) {
  [[maybe_unused]] const ssize_t ignored =
      write(STDERR_FILENO, alarm_line, std::strlen(alarm_line));
  _exit(1);
}

/// Bounds what MPI does before and after the examination. The last call counts.
void SetAlarm(double limit_s, const std::string& line) {
  std::snprintf(alarm_line, sizeof(alarm_line), "%s", line.c_str());
  std::signal(SIGALRM, EndByAlarm);
  alarm(static_cast<unsigned>(std::ceil(limit_s)));
}

int RunUnderMpirun(DoctorOptions options) {
  std::ostringstream limit;
  limit << " within " << options.limit_s << " s (the limit is --timeout_s)";
  const std::string error = "zhiyin: error: rank " + std::to_string(rank::LaunchedRank()) + " on " +
                            rank::HostName() + ": ";
  SetAlarm(options.limit_s,
           error + "MPI did not start" + limit.str() +
               ": another rank did not come, or MPI takes an interface that leads to none "
               "(mpirun --mca oob_tcp_if_include NETWORK/BITS)\n");
  net::MpiWorld world;
  alarm(0);
  const std::string who =
      "rank " + std::to_string(world.endpoint().rank()) + " on " + world.endpoint().host() + ": ";
  options.print_error = [print = options.print_error, who](const std::string& text) {
    print(who + text);
  };
  if (world.endpoint().rank() == 0) rank::SpeakOnSigterm();
  options.gather = [mpi = net::DescribeMpi()] { return GatherRankFacts(mpi); };
  const DoctorOutcome outcome = ExamineRank(world.endpoint(), options);
  if (world.endpoint().rank() == 0) std::signal(SIGTERM, SIG_DFL);  // the report is out
  if (!outcome.all_are_ending) {
    // mpirun drops what it has not read of a process that is gone.
    const timespec half_a_second{0, 500'000'000};
    nanosleep(&half_a_second, nullptr);
    world.Abandon(1);
  }
  // The world's end waits for all ranks.
  SetAlarm(options.limit_s,
           error + "MPI did not end" + limit.str() + ": another rank is gone or stopped\n");
  return outcome.exit_code;
}

}  // namespace

DoctorOutcome ExamineRank(net::Endpoint& endpoint, const DoctorOptions& options) {
  Postbox postbox(&endpoint, options.wall_clock);
  if (endpoint.rank() == 0) return Doctor(&postbox, options).Run();
  return Patient(&postbox, options).Run();
}

int RunDoctor(DoctorOptions options) {
  rank::CheckCpu();
  options.wall_clock = WallClock;
  if (options.under_mpirun) return RunUnderMpirun(std::move(options));
  options.gather = [mpi = net::DescribeMpi()] { return GatherRankFacts(mpi); };
  net::SimNetwork network(1, {});
  DoctorOutcome outcome;
  network.Run([&](net::Endpoint& endpoint) { outcome = ExamineRank(endpoint, options); });
  return outcome.exit_code;
}

}  // namespace zhiyin::launch::apps
