import{q as e}from"./index--B1NfMLk.js";const n=e(Date.now());setInterval(()=>{document.hidden||(n.value=Date.now())},1e3);export{n};
