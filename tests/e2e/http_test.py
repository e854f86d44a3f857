#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""curl and nc as clients of the http app: keep-alive, pipelining, a body of 100 MB."""
import hashlib
import os
import tempfile

from lab import Engine, SERVER, SERVER6, check, main

BODY = 1024
WEB = ('web', 80, f'app = "http"\nbody_bytes = {BODY}')


def curl(link, *arguments, **options):
    return link.clients.sh('curl', '-sS', '--noproxy', '*', '--max-time', '60', *arguments, patience=70, **options)


def curl_keeps_one_connection_for_many_requests(link):
    with Engine(link, [WEB]) as engine:
        for host in (SERVER, f'[{SERVER6}]'):
            before = engine.stats()['tcp']['PassiveOpens']
            urls = [f'http://{host}/{i}' for i in range(20)]
            answers = curl(link, '-g', '-w', '%{http_code} %{num_connects} %{size_download}\\n', *(word for url in urls for word in ('-o', '/dev/null', url)))
            lines = answers.splitlines()
            check(len(lines) == 20 and lines[0] == f'200 1 {BODY}', host, answers)
            check(all(line == f'200 0 {BODY}' for line in lines[1:]), 'curl opened more than one connection:', answers)
            check(engine.stats()['tcp']['PassiveOpens'] == before + 1, 'more than one connection was accepted')


def connection_close_ends_the_connection(link):
    with Engine(link, [WEB]):
        answer = curl(link, '-i', '-H', 'Connection: close', f'http://{SERVER}/')
        check(answer.startswith('HTTP/1.1 200') and 'connection: close' in answer.lower(), answer[:300])


def requests_pipelined_by_nc_are_all_answered_in_order(link):
    with Engine(link, [WEB]):
        for host in (SERVER, SERVER6):
            requests = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' * 99 + 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
            answer = link.clients.sh('nc', '-w', '20', host, '80', text=False, input=requests.encode())
            check(answer.count(b'HTTP/1.1 200') == 100, host, answer.count(b'HTTP/1.1 200'), 'answers to 100 requests')
            heads = answer.split(b'HTTP/1.1 200')
            check(all(len(head.split(b'\r\n\r\n', 1)[1]) == BODY for head in heads[1:]), 'a body of another length')


def a_body_of_100_mb_arrives_whole(link):
    size = 100_000_000
    with tempfile.NamedTemporaryFile(prefix='sluice-e2e-') as file:
        digest = hashlib.sha256()
        for _ in range(size // 1_000_000):
            part = os.urandom(1_000_000)
            digest.update(part)
            file.write(part)
        file.flush()
        with Engine(link, [('web', 80, f'app = "http"\nfile = "{file.name}"')]):
            for host in (SERVER, f'[{SERVER6}]'):
                got = link.clients.sh('bash', '-c', f'curl -sS -g --noproxy "*" --max-time 60 http://{host}/ | sha256sum', patience=70)
                check(got.split()[0] == digest.hexdigest(), host, 'sha256 differs')


if __name__ == '__main__':
    main(curl_keeps_one_connection_for_many_requests, connection_close_ends_the_connection,
         requests_pipelined_by_nc_are_all_answered_in_order, a_body_of_100_mb_arrives_whole)
