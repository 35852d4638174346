#include "launch/apps/serve/serve.h"

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <new>
#include <utility>

#include "common/error.h"
#include "common/file.h"
#include "common/processors.h"
#include "launch/job/load_frozen.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::launch::apps {
namespace {

constexpr int64_t kMaxTokenBytes = 4096;

HttpOptions ParseListen(const std::string& text) {
  HttpOptions options;
  const size_t colon = text.rfind(':');
  const char* const end = text.data() + text.size();
  const char* const begin = colon == text.npos ? end : text.data() + colon + 1;
  const auto [stop, error] = std::from_chars(begin, end, options.port);
  if (colon == text.npos || colon == 0 || begin == end || error != std::errc() || stop != end ||
      options.port < 0 || options.port > 65535)
    Fail("--listen=", text,
         ": expected HOST:PORT, for example 127.0.0.1:8080; port 0 is any that is free");
  options.host = text.substr(0, colon);
  return options;
}

std::string ReadToken(const std::string& path) {
  std::string token = ReadWholeFile(path, kMaxTokenBytes);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.empty() || token.find_first_of(" \t\r\n") != token.npos)
    Fail("--token_file=", path, ": expected one word");
  return token;
}

/// Signals that end the server, in this thread alone.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~EndSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  /// Whether one has come, for which it waits so long.
  bool Await(double seconds) const {
    double whole = 0;
    const double part = std::modf(seconds, &whole);
    const timespec time = {static_cast<time_t>(whole), static_cast<long>(1e9 * part)};
    return sigtimedwait(&set_, nullptr, &time) > 0;
  }

 private:
  sigset_t set_;
  sigset_t before_;
};

/// The number of connections that this process may have open, at most `wanted`. Raises the limit of
/// open files where that is allowed.
int ConnectionsWithin(int wanted) {
  constexpr rlim_t kOtherFiles = 64;
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  const rlim_t needed = static_cast<rlim_t>(wanted) + kOtherFiles;
  if (files.rlim_cur >= needed) return wanted;
  const rlimit raised = {std::min(needed, files.rlim_max), files.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  if (files.rlim_cur <= kOtherFiles)
    Fail("serve: this process may open ", files.rlim_cur, " files (ulimit -n), expected at least ",
         kOtherFiles + 1);
  return static_cast<int>(std::min(needed, files.rlim_cur) - kOtherFiles);
}

HttpOptions OptionsOf(const ServeCommand& command) {
  HttpOptions options = ParseListen(command.listen);
  if (!command.token_file.empty()) options.token = ReadToken(command.token_file);
  options.n_threads = NumProcessors();
  options.limits.request_s = command.request_s;
  options.limits.answer_s = command.request_s;
  options.limits.n_connections = ConnectionsWithin(command.n_connections);
  if (options.limits.n_connections < command.n_connections)
    command.print(
        "note: " + std::to_string(options.limits.n_connections) +
        " connections at a time, not --connections=" + std::to_string(command.n_connections) +
        ": this process may not open more files (ulimit -n)\n");
  return options;
}

/// Says what people should know of a model that is served from now on. `inputs` are its side
/// inputs, or nullptr where they were read before.
void SayNotes(const ServedModel& model, const ServedInputs* inputs, const ServeCommand& command) {
  const auto say = [&](const std::string& note) { command.print("note: " + note + "\n"); };
  if (inputs != nullptr) std::ranges::for_each(inputs->BadLineNotes(), say);
  if (const std::string about = model.about_index(); !about.empty()) say(about);
}

bool AreSame(const NewestModel& a, const NewestModel& b) {
  return a.folder == b.folder && a.digest == b.digest;
}

}  // namespace

NewestModel FindNewest(const std::string& path) {
  std::vector<std::string> folders;
  if (worker::saved::HasManifest(path)) {
    folders.push_back(path);
  } else {
    const std::vector<std::string> checkpoints = worker::saved::FindCheckpoints(path);
    // The model comes first: at equal steps it is what the job wants to keep.
    if (checkpoints.empty() || worker::saved::HasManifest(path + "/model"))
      folders.push_back(worker::saved::FindModel(path));
    if (!checkpoints.empty()) folders.push_back(checkpoints[0]);
  }
  NewestModel newest;
  for (const std::string& folder : folders) {
    uint64_t digest = 0;
    const int64_t step = worker::saved::LoadManifest(folder, &digest).step();
    if (step > newest.step) newest = {folder, step, digest};
  }
  return newest;
}

HttpService::Served LoadServed(const NewestModel& newest,
                               std::shared_ptr<const worker::saved::FrozenModel> ranker,
                               const worker::recommend::RecommendOptions& options,
                               std::shared_ptr<const ServedInputs>* inputs) {
  const auto model = job::LoadFrozen(newest.folder, {});
  std::shared_ptr<const ServedInputs> own = *inputs;
  if (own == nullptr || !own->AreOf(model->job()))
    own = std::make_shared<const ServedInputs>(model->job());
  const ServeLimits limits{.n_threads = NumProcessors()};
  HttpService::Served served = {
      std::make_shared<const ServedModel>(model, std::move(ranker), own->side(), options, limits),
      newest.folder, newest.step};
  *inputs = std::move(own);
  return served;
}

int Serve(const ServeCommand& command) {
  // Not as for training: what a large request took is returned to the system.
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  const HttpOptions options = OptionsOf(command);
  const EndSignals signals;
  NewestModel now = FindNewest(command.checkpoint);
  // Without a ranker it stays as it is here.
  NewestModel ranker_now;
  std::shared_ptr<const worker::saved::FrozenModel> ranker;
  if (!command.ranker.empty()) {
    ranker_now = FindNewest(command.ranker);
    ranker = job::LoadFrozen(ranker_now.folder, {});
  }
  std::shared_ptr<const ServedInputs> inputs;
  HttpService::Served served = LoadServed(now, ranker, command.options, &inputs);
  std::shared_ptr<const ServedModel> model = served.model;
  HttpService service(options, std::move(served));
  command.print("serving " + now.folder + " (step " + std::to_string(now.step) + ") at http://" +
                options.host + ":" + std::to_string(service.port()) + "\n");
  SayNotes(*model, inputs.get(), command);
  if (service.n_threads() < options.n_threads)
    command.print("note: " + std::to_string(service.n_threads()) + " of " +
                  std::to_string(options.n_threads) +
                  " threads: the system allows no more (ulimit -u, ulimit -v)\n");
  std::string last_failure;
  const auto keep_old = [&](const std::string& why) {
    if (why == last_failure) return;
    last_failure = why;
    service.CountFailedReload();
    command.print_error("not served, the one before goes on: " + last_failure);
  };
  constexpr double kWithoutReload = 3600;
  while (!signals.Await(command.reload_s > 0 ? command.reload_s : kWithoutReload)) {
    if (command.reload_s <= 0) continue;
    try {
      const NewestModel newest = FindNewest(command.checkpoint);
      const NewestModel newest_ranker =
          command.ranker.empty() ? NewestModel() : FindNewest(command.ranker);
      const bool ranks_alike = AreSame(newest_ranker, ranker_now);
      if (AreSame(newest, now) && ranks_alike) continue;
      const auto next_ranker = ranks_alike ? ranker : job::LoadFrozen(newest_ranker.folder, {});
      const std::shared_ptr<const ServedInputs> inputs_before = inputs;
      HttpService::Served next = LoadServed(newest, next_ranker, command.options, &inputs);
      model = next.model;
      now = newest;
      ranker = next_ranker;
      ranker_now = newest_ranker;
      service.Replace(std::move(next));
      last_failure.clear();
      command.print("serving " + now.folder + " (step " + std::to_string(now.step) + ")\n");
      SayNotes(*model, inputs == inputs_before ? nullptr : inputs.get(), command);
    } catch (const std::bad_alloc&) {
      keep_old("out of memory for a second model beside it");
    } catch (const std::exception& e) {
      // One that is being replaced or removed is there again, or is not looked for, the next time.
      keep_old(e.what());
    }
  }
  command.print("the server ends, as it was told to\n");
  return 0;
}

}  // namespace zhiyin::launch::apps
