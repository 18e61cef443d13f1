// Sockets without Node's streams, on Linux: one epoll set beside the event loop's own, edge-triggered, and one call into JavaScript for
// all sockets that are ready. JavaScript reads and writes by the calls below. Results below zero are negated errno values.
#include "sluice.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// Of libuv, which is part of Node and has no header beside Node-API's: what is used here has been as it is since 1.19 (Node 10).
typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;
enum { UV_POLL = 8, UV_READABLE = 1 };
extern size_t uv_handle_size(int type);
extern void uv_handle_set_data(uv_handle_t *handle, void *data);
extern void *uv_handle_get_data(const uv_handle_t *handle);
extern void uv_ref(uv_handle_t *handle);
extern void uv_unref(uv_handle_t *handle);
extern void uv_close(uv_handle_t *handle, void (*closed)(uv_handle_t *));
extern int uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);
extern int uv_poll_start(uv_poll_t *poll, int events, void (*ready)(uv_poll_t *, int status, int events));

// Sockets that one call into JavaScript tells of; more wait for the next turn of the event loop.
#define MAX_READY 256
// What JavaScript is told of a socket: descriptor, generation, flags of epoll.
#define READY_NUMBERS 3

typedef struct {
  napi_env env;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  napi_ref on_ready, receiver, read_ref, ready_ref;
  void *read_bytes;
  size_t read_size;
  int32_t *ready;
  int epoll;
  // Given up for a moment where there are no other descriptors, so that a client is told so and does not wait.
  int reserve;
  address_t peer;
  uv_poll_t *poll;
  // By descriptor, whether it is watched: what JavaScript leaves open when its environment ends is closed with it.
  unsigned char *watched;
  int watched_size;
} poller_t;

static poller_t *poller_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  if (data == NULL) napi_throw_error(env, NULL, "the poller has not been opened");
  return data;
}

static void poll_closed(uv_handle_t *handle) {
  poller_t *poller = uv_handle_get_data(handle);
  close(poller->epoll);
  if (poller->reserve >= 0) close(poller->reserve);
  napi_async_cleanup_hook_handle cleanup = poller->cleanup;
  free(handle);
  free(poller->watched);
  free(poller);
  napi_remove_async_cleanup_hook(cleanup);
}

// The environment ends: a worker's, or the process.
static void clean_up(napi_async_cleanup_hook_handle handle, void *data) {
  poller_t *poller = data;
  poller->cleanup = handle;
  for (int fd = 0; fd < poller->watched_size; fd++)
    if (poller->watched[fd]) close(fd);
  napi_set_instance_data(poller->env, NULL, NULL, NULL);
  uv_close((uv_handle_t *)poller->poll, poll_closed);
}

static void tell(poller_t *poller, int count) {
  napi_env env = poller->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value receiver, on_ready, argument;
  napi_get_reference_value(env, poller->receiver, &receiver);
  napi_get_reference_value(env, poller->on_ready, &on_ready);
  napi_create_int32(env, count, &argument);
  if (napi_make_callback(env, poller->context, receiver, on_ready, 1, &argument, NULL) == napi_pending_exception) {
    napi_value error;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

static void poll_ready(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  poller_t *poller = uv_handle_get_data((uv_handle_t *)poll);
  struct epoll_event ready[MAX_READY];
  int count = epoll_wait(poller->epoll, ready, MAX_READY, 0);
  if (count <= 0) return;
  for (int i = 0; i < count; i++) {
    int32_t *numbers = poller->ready + i * READY_NUMBERS;
    numbers[0] = (int32_t)(ready[i].data.u64 & UINT32_MAX);
    numbers[1] = (int32_t)(ready[i].data.u64 >> 32);
    numbers[2] = (int32_t)ready[i].events;
  }
  tell(poller, count);
}

static int array(napi_env env, napi_value value, napi_typedarray_type type, void **data, size_t *length) {
  napi_typedarray_type given;
  if (napi_get_typedarray_info(env, value, &given, length, data, NULL, NULL) == napi_ok && given == type) return 1;
  napi_throw_type_error(env, NULL, type == napi_uint8_array ? "expected bytes" : "expected an Int32Array");
  return 0;
}

// openPoller(readBytes, ready, onReady): once in an environment. `receive` reads into readBytes; before onReady(count) is called, `ready`
// has count times descriptor, generation and flags of epoll. 0, or a negated errno. Keeps no process alive unless `keepAlive` says so.
static napi_value open_poller(napi_env env, napi_callback_info info) {
  napi_value values[3], name;
  void *data = NULL, *read_bytes, *ready;
  size_t read_size, ready_length;
  uv_loop_t *loop;
  if (!arguments(env, info, values, 3)) return NULL;
  napi_get_instance_data(env, &data);
  if (data != NULL) return number(env, -EBUSY);
  if (!array(env, values[0], napi_uint8_array, &read_bytes, &read_size)) return NULL;
  if (!array(env, values[1], napi_int32_array, &ready, &ready_length)) return NULL;
  if (ready_length < MAX_READY * READY_NUMBERS) return number(env, -EINVAL);
  if (napi_get_uv_event_loop(env, (struct uv_loop_s **)&loop) != napi_ok) return number(env, -ENOSYS);
  poller_t *poller = calloc(1, sizeof *poller);
  uv_poll_t *poll = calloc(1, uv_handle_size(UV_POLL));
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int failure = epoll < 0 ? -errno : poller == NULL || poll == NULL ? -ENOMEM : uv_poll_init(loop, poll, epoll);
  if (failure != 0) {
    if (epoll >= 0) close(epoll);
    free(poller);
    free(poll);
    return number(env, failure);
  }
  *poller = (poller_t){.env = env, .read_bytes = read_bytes, .read_size = read_size, .ready = ready, .epoll = epoll, .poll = poll};
  poller->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
  napi_create_string_latin1(env, "sluice", NAPI_AUTO_LENGTH, &name);
  napi_value receiver;
  napi_create_object(env, &receiver);
  napi_async_init(env, receiver, name, &poller->context);
  napi_create_reference(env, receiver, 1, &poller->receiver);
  napi_create_reference(env, values[0], 1, &poller->read_ref);
  napi_create_reference(env, values[1], 1, &poller->ready_ref);
  napi_create_reference(env, values[2], 1, &poller->on_ready);
  napi_set_instance_data(env, poller, NULL, NULL);
  napi_add_async_cleanup_hook(env, clean_up, poller, &poller->cleanup);
  uv_handle_set_data((uv_handle_t *)poll, poller);
  uv_unref((uv_handle_t *)poll);
  return number(env, uv_poll_start(poll, UV_READABLE, poll_ready));
}

// keepAlive(isOn): whether the event loop goes on for our sockets.
static napi_value keep_alive(napi_env env, napi_callback_info info) {
  napi_value values[1];
  bool is_on;
  poller_t *poller = poller_of(env);
  if (poller == NULL || !arguments(env, info, values, 1) || napi_get_value_bool(env, values[0], &is_on) != napi_ok) return NULL;
  (is_on ? uv_ref : uv_unref)((uv_handle_t *)poller->poll);
  return NULL;
}

static int control(poller_t *poller, int operation, int fd, int generation) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET};
  event.data.u64 = (uint64_t)(uint32_t)generation << 32 | (uint32_t)fd;
  return epoll_ctl(poller->epoll, operation, fd, &event) == 0 ? 0 : -errno;
}

// False where there is no memory for it.
static int has_room(poller_t *poller, int fd) {
  if (fd < poller->watched_size) return 1;
  int size = fd < 512 ? 1024 : fd < INT_MAX / 2 ? fd * 2 : INT_MAX;
  unsigned char *watched = realloc(poller->watched, (size_t)size);
  if (watched == NULL) return 0;
  memset(watched + poller->watched_size, 0, (size_t)(size - poller->watched_size));
  poller->watched = watched;
  poller->watched_size = size;
  return 1;
}

static void forget(poller_t *poller, int fd) {
  if (fd >= 0 && fd < poller->watched_size) poller->watched[fd] = 0;
}

// The descriptor and the generation of the first two arguments.
static poller_t *socket_of(napi_env env, napi_callback_info info, int *fd, int *generation) {
  napi_value values[2];
  poller_t *poller = poller_of(env);
  if (poller == NULL || !arguments(env, info, values, 2) || !descriptor(env, values[0], fd)) return NULL;
  return descriptor(env, values[1], generation) ? poller : NULL;
}

// watch(fd, generation): tells of the socket from now on, whenever something about it changes. 0, or a negated errno.
static napi_value watch(napi_env env, napi_callback_info info) {
  int fd, generation;
  poller_t *poller = socket_of(env, info, &fd, &generation);
  if (poller == NULL) return NULL;
  if (fd < 0) return number(env, -EBADF);
  if (!has_room(poller, fd)) return number(env, -ENOMEM);
  int result = control(poller, EPOLL_CTL_ADD, fd, generation);
  if (result == 0) poller->watched[fd] = 1;
  return number(env, result);
}

// watchAgain(fd, generation): tells once more what is so now, in a later turn.
static napi_value watch_again(napi_env env, napi_callback_info info) {
  int fd, generation;
  poller_t *poller = socket_of(env, info, &fd, &generation);
  return poller == NULL ? NULL : number(env, control(poller, EPOLL_CTL_MOD, fd, generation));
}

// unwatch(fd): for a socket that lives on elsewhere. Closing does it by itself.
static napi_value unwatch(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  poller_t *poller = poller_of(env);
  if (poller == NULL || !arguments(env, info, values, 1) || !descriptor(env, values[0], &fd)) return NULL;
  forget(poller, fd);
  return number(env, control(poller, EPOLL_CTL_DEL, fd, 0));
}

// receive(fd): how many bytes came, at the start of the poller's readBytes; 0 at the peer's end.
static napi_value receive(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  poller_t *poller = poller_of(env);
  if (poller == NULL || !arguments(env, info, values, 1) || !descriptor(env, values[0], &fd)) return NULL;
  ssize_t count;
  do count = recv(fd, poller->read_bytes, poller->read_size, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  return number(env, count < 0 ? -errno : (int)count);
}

// send(fd, bytes): how many of the bytes the kernel took.
static napi_value send_bytes(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd;
  void *bytes;
  size_t length;
  if (!arguments(env, info, values, 2) || !descriptor(env, values[0], &fd)) return NULL;
  if (!array(env, values[1], napi_uint8_array, &bytes, &length)) return NULL;
  if (length > INT_MAX) length = INT_MAX;
  ssize_t count;
  do count = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  return number(env, count < 0 ? -errno : (int)count);
}

static void set_options(int fd, int keep_alive_seconds) {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, keep_alive_seconds);
  // As libuv has it since 1.49: a peer that is gone is noticed ten seconds after the first probe.
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 10);
}

// connect(host, port, from, keepAliveSeconds): the descriptor of a socket that is connecting, `from` itself where it is none below zero;
// `from` is closed where there is none.
// The error of a connection that failed at once, or fails later, is told by `connectError`.
static napi_value connect_socket(napi_env env, napi_callback_info info) {
  napi_value values[4];
  int from, keep_alive_seconds;
  address_t address;
  if (!arguments(env, info, values, 4) || !descriptor(env, values[2], &from)) return NULL;
  socklen_t length = address_of(env, values[0], values[1], &address);
  if (length == 0 || !whole_number(env, values[3], 1, INT_MAX, &keep_alive_seconds)) {
    if (from >= 0) close(from);
    return number(env, -EINVAL);
  }
  int fd = from >= 0 ? from : socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return number(env, -errno);
  set_options(fd, keep_alive_seconds);
  int failed;
  do failed = connect(fd, &address.any, length);
  while (failed != 0 && errno == EINTR);
  if (failed == 0 || errno == EINPROGRESS) return number(env, fd);
  int error = errno;
  close(fd);
  return number(env, -error);
}

// connectError(fd): 0 where the socket is connected, else why not, negated.
static napi_value connect_error(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd, error = 0;
  if (!arguments(env, info, values, 1) || !descriptor(env, values[0], &fd)) return NULL;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  return number(env, -error);
}

// shareListener(fd, keepAliveSeconds): another descriptor of a listening socket, whose connections will have our options.
static napi_value share_listener(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd, keep_alive_seconds;
  if (!arguments(env, info, values, 2) || !descriptor(env, values[0], &fd)) return NULL;
  if (!whole_number(env, values[1], 1, INT_MAX, &keep_alive_seconds)) return number(env, -EINVAL);
  int shared = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (shared < 0) return number(env, -errno);
  set_options(shared, keep_alive_seconds);
  return number(env, shared);
}

// Where no descriptor is left, a connection that waits is closed with the one in reserve: its client would wait for ever.
static void turn_away(poller_t *poller, int listener) {
  // There is none where another thread was faster the last time.
  if (poller->reserve >= 0) close(poller->reserve);
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0) close(fd);
  poller->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// accept(listener): the descriptor of the next connection, whose peer `acceptedPeer` tells; or a negated errno, EAGAIN where none waits.
static napi_value accept_socket(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int listener;
  poller_t *poller = poller_of(env);
  if (poller == NULL || !arguments(env, info, values, 1) || !descriptor(env, values[0], &listener)) return NULL;
  int fd;
  do {
    socklen_t length = sizeof poller->peer;
    fd = accept4(listener, &poller->peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd >= 0) return number(env, fd);
  int error = errno;
  if (error == EMFILE || error == ENFILE) turn_away(poller, listener);
  return number(env, -error);
}

// acceptedPeer(): { host, port } of the connection that was accepted last.
static napi_value accepted_peer(napi_env env, napi_callback_info info) {
  (void)info;
  poller_t *poller = poller_of(env);
  return poller == NULL ? NULL : describe(env, &poller->peer);
}

// localAddress(fd): { host, port } | undefined.
static napi_value local_address(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  address_t local;
  socklen_t length = sizeof local;
  if (!arguments(env, info, values, 1) || !descriptor(env, values[0], &fd)) return NULL;
  return getsockname(fd, &local.any, &length) == 0 ? describe(env, &local) : NULL;
}

// endWriting(fd): FIN, after what was sent.
static napi_value end_writing(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  if (!arguments(env, info, values, 1) || !descriptor(env, values[0], &fd)) return NULL;
  return number(env, shutdown(fd, SHUT_WR) == 0 ? 0 : -errno);
}

// closeSocket(fd): of a socket that is watched. It is not watched any more then, unless another process has it too.
static napi_value close_socket(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  poller_t *poller = poller_of(env);
  if (poller == NULL || !arguments(env, info, values, 1) || !descriptor(env, values[0], &fd)) return NULL;
  forget(poller, fd);
  close(fd);
  return NULL;
}

// resetSocket(fd): closes with RST; what was sent and has not arrived is lost.
static napi_value reset_socket(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  poller_t *poller = poller_of(env);
  if (poller == NULL || !arguments(env, info, values, 1) || !descriptor(env, values[0], &fd)) return NULL;
  forget(poller, fd);
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close(fd);
  return NULL;
}

void define_sockets(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"openPoller", NULL, open_poller, NULL, NULL, NULL, napi_enumerable, NULL},
      {"keepAlive", NULL, keep_alive, NULL, NULL, NULL, napi_enumerable, NULL},
      {"watch", NULL, watch, NULL, NULL, NULL, napi_enumerable, NULL},
      {"watchAgain", NULL, watch_again, NULL, NULL, NULL, napi_enumerable, NULL},
      {"unwatch", NULL, unwatch, NULL, NULL, NULL, napi_enumerable, NULL},
      {"receive", NULL, receive, NULL, NULL, NULL, napi_enumerable, NULL},
      {"send", NULL, send_bytes, NULL, NULL, NULL, napi_enumerable, NULL},
      {"connect", NULL, connect_socket, NULL, NULL, NULL, napi_enumerable, NULL},
      {"connectError", NULL, connect_error, NULL, NULL, NULL, napi_enumerable, NULL},
      {"shareListener", NULL, share_listener, NULL, NULL, NULL, napi_enumerable, NULL},
      {"accept", NULL, accept_socket, NULL, NULL, NULL, napi_enumerable, NULL},
      {"acceptedPeer", NULL, accepted_peer, NULL, NULL, NULL, napi_enumerable, NULL},
      {"localAddress", NULL, local_address, NULL, NULL, NULL, napi_enumerable, NULL},
      {"endWriting", NULL, end_writing, NULL, NULL, NULL, napi_enumerable, NULL},
      {"closeSocket", NULL, close_socket, NULL, NULL, NULL, napi_enumerable, NULL},
      {"resetSocket", NULL, reset_socket, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
