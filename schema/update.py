#!/usr/bin/env python3
"""Renew the schema files from the npm package @mtcute/tl.

    schema/update.py [version]          default: the version below

Fetches the package with npm into a temporary folder and writes, beside this
script, api.tl, mtproto.tl, layer and errors.txt. Building Gramline needs
neither npm nor this script. Every constructor id is checked against the CRC32
of its line; lines that cannot be checked are listed on standard output.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / 'src' / 'tl'))
from generate import crc_of  # noqa: E402

VERSION = '223.0.0'
PACKAGE = '@mtcute/tl'

# The package describes only what its own code reads from tables. These are
# the remaining constructors of the published MTProto and TL descriptions.
BUILTIN_TYPES = '''\
boolFalse#bc799737 = Bool;
boolTrue#997275b5 = Bool;
true#3fedd339 = True;
null#56730bcc = Null;
vector#1cb5c415 {t:Type} # [ t ] = Vector t;
'''
MTPROTO_TYPES = '''\
p_q_inner_data#83c95aec pq:bytes p:bytes q:bytes nonce:int128 \
server_nonce:int128 new_nonce:int256 = P_Q_inner_data;
p_q_inner_data_temp#3c6a84d4 pq:bytes p:bytes q:bytes nonce:int128 \
server_nonce:int128 new_nonce:int256 expires_in:int = P_Q_inner_data;
server_DH_params_fail#79cb045d nonce:int128 server_nonce:int128 \
new_nonce_hash:int128 = Server_DH_Params;
rpc_result#f35c6d01 req_msg_id:long result:Object = RpcResult;
message#5bb8e511 msg_id:long seqno:int bytes:int body:Object = Message;
msg_container#73f1f8dc messages:vector<%Message> = MessageContainer;
msg_copy#e06046b2 orig_message:Message = MessageCopy;
gzip_packed#3072cfa1 packed_data:bytes = Object;
'''
MTPROTO_FUNCTIONS = '''\
req_pq#60469778 nonce:int128 = ResPQ;
'''


def type_text(name, modifiers):
    """The TL spelling of a type of the package."""
    name = name.removeprefix('mt_')
    if name == 'int53':
        name = 'long'
    if modifiers.get('isBareVector'):
        name = f'vector<{name}>'
    elif modifiers.get('isVector'):
        name = f'Vector<{name}>'
    if 'predicate' in modifiers:
        name = f'{modifiers["predicate"]}?{name}'
    return name


def line_of(entry):
    words = [f'{entry["name"].removeprefix("mt_")}#{entry["id"]:08x}']
    words += [f'{{{g["name"]}:{g["type"]}}}' for g in entry.get('generics', [])]
    for argument in entry['arguments']:
        modifiers = argument.get('typeModifiers') or {}
        words.append(f'{argument["name"]}:'
                     f'{type_text(argument["type"], modifiers)}')
    result = type_text(entry['type'], {
        k: v for k, v in (entry.get('typeModifiers') or {}).items()
        if k == 'isVector'})
    return f'{" ".join(words)} = {result};'


def id_of(line):
    return int(re.search(r'#([0-9a-f]{8})', line).group(1), 16)


def wanted(entry):
    """Leaves out what the package invents for its own use: it is not in the
    layer, and shows it by a name that does not give its id."""
    invented = entry['name'].startswith('mtcute.') or \
        entry['name'].endswith('Legacy')
    return not (invented and crc_of(line_of(entry)) != entry['id'])


def schema_text(entries, types='', functions=''):
    entries = [e for e in entries if wanted(e)]
    classes = [line_of(e) for e in entries if e['kind'] == 'class']
    methods = [line_of(e) for e in entries if e['kind'] == 'method']
    text = '---types---\n' + types + '\n'.join(classes) + '\n' + \
        '---functions---\n' + functions + '\n'.join(methods) + '\n'
    for line in text.splitlines():
        if '#' in line and crc_of(line) != id_of(line):
            print('not its CRC32:', line)
    return text


def kinds_of_mtproto(entries):
    """The package calls functions of MTProto classes too: a function is what
    answers with the type of another constructor."""
    functions = {'req_pq_multi', 'req_DH_params', 'set_client_DH_params',
                 'rpc_drop_answer', 'get_future_salts', 'ping',
                 'ping_delay_disconnect', 'destroy_session',
                 'destroy_auth_key'}
    for entry in entries:
        name = entry['name'].removeprefix('mt_')
        entry['kind'] = 'method' if name in functions else 'class'
    return entries


def errors_text(errors):
    lines = {f'{e["code"]} {e["name"]}' for e in errors['errors'].values()}
    return '\n'.join(sorted(lines)) + '\n'


def package_fetch(version, folder):
    name = subprocess.run(['npm', 'pack', '--silent', f'{PACKAGE}@{version}'],
                          cwd=folder, check=True, capture_output=True,
                          text=True).stdout.split()[-1]
    with tarfile.open(os.path.join(folder, name)) as archive:
        return {n: json.load(archive.extractfile(f'package/{n}.json'))
                for n in ('api-schema', 'mtp-schema', 'raw-errors')}


def main():
    version = sys.argv[1] if len(sys.argv) > 1 else VERSION
    with tempfile.TemporaryDirectory() as folder:
        package = package_fetch(version, folder)
    api = package['api-schema']
    mtproto = kinds_of_mtproto(package['mtp-schema'])
    (HERE / 'api.tl').write_text(schema_text(api['e']))
    (HERE / 'mtproto.tl').write_text(
        schema_text(mtproto, BUILTIN_TYPES + MTPROTO_TYPES, MTPROTO_FUNCTIONS))
    (HERE / 'layer').write_text(f'{api["l"]}\n')
    (HERE / 'errors.txt').write_text(errors_text(package['raw-errors']))


if __name__ == '__main__':
    main()
